// What a producer or a peer may give: whoever passes here is taken (routing.cpp).

#include "base/mutation.h"
#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

void State::on_published(const Session& session, const wire::Envelope& envelope, Batch batch) {
    const auto& header = batch.header();
    const auto refuse = [&](wire::Reject code, std::string reason) {
        reply(session.id, wire::Refused{envelope.number, code, std::move(reason)});
    };
    if (!session.producer || header.producer != *session.producer)
        return refuse(wire::Reject::malformed, "the batch is not of the producer that said hello");
    Producer& own = producers.at(*session.producer);
    if (header.guaranteed() && envelope.number == 0)
        return refuse(wire::Reject::malformed, "a guaranteed batch needs a number");
    if (header.guaranteed() && envelope.number <= own.intake->taken()) {
        ++duplicates_dropped;  // its receipt has been sent or will be
        if (!std::exchange(own.tell, true)) producers_to_tell.push_back(&own);
        return;
    }
    if (const auto why = why_not_publish(session, header)) {
        if (header.guaranteed()) keeper.attach_safe(own.intake, envelope.number, 0);
        return refuse(why->first, why->second);
    }
    if (mutated(Mutation::no_headroom) && !holds.of(own.id).empty())
        return refuse(wire::Reject::limit, "its backlog is full");
    if (own.intake->unsafe_bytes() > window_held_to(own) + 2 * limits::frame_bytes_max)
        return refuse(wire::Reject::limit, "more is on its way than the window allows");
    if (header.part) note_part(own, header);
    take({.intake = own.intake,
          .source = own.id,
          .from_peer = false,
          .number = envelope.number,
          .flags = envelope.flags,
          .lifetime_millis = envelope.lifetime_millis},
         std::move(batch));
}

std::optional<std::pair<wire::Reject, std::string>> State::why_not_publish(
    const Session& session, const wire::BatchHeader& header) {
    const std::string channel{header.channel};
    if (header.part) {
        const Producer& own = producers.at(header.producer);
        if (own.given_up.contains(header.part->first_sequence))
            return {
                {wire::Reject::limit, "its producer was away too long: the message was given up"}};
        if (header.part->index == 0 && own.unfinished.size() >= limits::unfinished_max)
            return {{wire::Reject::limit, "too many unfinished large messages of one producer"}};
    }
    if (header.kind == wire::Kind::service)
        return {{wire::Reject::unavailable, "services are not there yet"}};
    if (wire::is_reserved(channel)) return {{wire::Reject::bad_name, "$bus. is the agent's own"}};
    if (groups.size() >= limits::subscriptions_max && header.kind == wire::Kind::queue &&
        find_group(Destination::Type::queue, channel) == nullptr)
        return {{wire::Reject::limit, "too many queues and subscriptions at this agent"}};
    if (rules.may_publish(session.uid, header.kind, channel)) return std::nullopt;
    return refuse_by_rule(denial_of_uid(session.uid, Act::give, header.kind, channel),
                          header.message_count);
}

void State::on_peer_batch(Peer& peer, const wire::Envelope& envelope, Batch batch) {
    const auto& header = batch.header();
    peer.window.on_received(batch.size() + wire::envelope_length, now);
    peer.received.count(batch.messages(), wire::envelope_length + batch.size());
    if (!header.guaranteed()) want_ack(peer);  // its credit
    if (header.guaranteed() && envelope.number <= peer.intake->taken()) {
        ++duplicates_dropped;
        want_ack(peer);
        return;
    }
    Arrival arrival{.intake = peer.intake,
                    .source = peer.id,
                    .from_peer = true,
                    .number = envelope.number,
                    .flags = envelope.flags,
                    .lifetime_millis = envelope.lifetime_millis,
                    .came_from = peer.remote->id()};
    auto why = why_not_from(peer, header);
    if (!why) why = read_route(envelope, arrival);
    if (!why) return take(arrival, std::move(batch));
    if (!header.guaranteed()) {
        ++best_effort_dropped;
        return;
    }
    keeper.attach_safe(peer.intake, envelope.number, 0);
    send(*peer.active, wire::LinkRefuse{envelope.number, why->first, why->second});
}

State::Refusal State::why_not_from(const Peer& peer, const wire::BatchHeader& header) {
    if (header.kind == wire::Kind::service || wire::is_reserved(header.channel))
        return {{wire::Reject::bad_name, "this agent takes no such channel"}};
    if (peer.may_give(header.kind, header.channel)) return std::nullopt;
    return refuse_by_rule(denial_of_peer(peer, Act::give, header.kind, header.channel),
                          header.message_count);
}

State::Refusal State::read_route(const wire::Envelope& envelope, Arrival& arrival) {
    if (envelope.route == nullptr) return std::nullopt;
    const wire::Route& way = *envelope.route;
    if (way.hops >= limits::batch_hops_max)
        return {{wire::Reject::limit, "it has crossed " + std::to_string(way.hops) + " links"}};
    arrival.for_this_host = way.finals.empty();
    for (const AgentId& agent : way.finals) {
        if (agent == settings.agent) {
            arrival.for_this_host = true;
            continue;
        }
        if (!settings.relay)
            return {{wire::Reject::not_allowed, settings.name + " does not relay"}};
        Remote* const to = learn(agent);
        if (to == nullptr) return {{wire::Reject::limit, "too many agents are known here"}};
        arrival.pass_on.push_back(to);
    }
    arrival.relayed = true;
    arrival.hops = way.hops;
    if (way.origin == settings.agent)
        arrival.came_from = {};  // it went away, and came back when paths changed
    else if (const Remote* const origin = learn(way.origin))
        arrival.came_from = origin->id();
    if (mutated(Mutation::relay_forgets)) arrival.pass_on.clear();
    return std::nullopt;
}

}  // namespace bus::core
