// What a producer or a peer may give: whoever passes here is taken (routing.cpp).

#include "base/mutation.h"
#include "core/state.h"
#include "wire/standard_headers.h"

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
    auto why = why_not_publish(session, header);
    if (!why) why = why_not_delay(envelope, header);
    if (!why) why = why_over_bound(own, header);
    if (why) {
        if (header.guaranteed()) keeper.attach_safe(own.intake, envelope.number, 0);
        return refuse(why->first, why->second);
    }
    if (mutated(Mutation::no_headroom) && !holds.of(own.id).empty())
        return refuse(wire::Reject::limit, "its backlog is full");
    if (own.intake->unsafe_bytes() > window_held_to(own) + 2 * limits::frame_bytes_max)
        return refuse(wire::Reject::limit, "more is on its way than the window allows");
    const Owner owner = owner_of(session.uid);
    if (!header.guaranteed() && is_too_fast(owner, header)) {
        // Who asks waits for an answer.
        if (header.kind == wire::Kind::service && !wire::is_reserved(header.channel))
            return answer_with_error(batch, 0, batch.messages(), wire::request_error::busy);
        ++best_effort_dropped;
        return;
    }
    if (header.part) note_part(own, header);
    const Arrival arrival{.intake = own.intake,
                          .source = own.id,
                          .from_peer = false,
                          .owner = owner,
                          .number = envelope.number,
                          .flags = envelope.flags,
                          .lifetime_millis = envelope.lifetime_millis};
    const Batch counted = bounds.any() ? batch : Batch{};
    if (envelope.delay_millis > 0)
        delay(arrival, envelope, std::move(batch));
    else
        take(arrival, std::move(batch));
    if (counted) spend(own, counted.header());
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
    if (auto why = why_too_large(header)) return why;
    if (wire::is_reply_address(header.kind, channel)) return std::nullopt;
    if (wire::is_reserved(channel)) return {{wire::Reject::bad_name, "$bus. is the agent's own"}};
    if (groups.size() >= limits::subscriptions_max && header.kind == wire::Kind::queue &&
        find_group(Destination::Type::queue, channel) == nullptr)
        return {{wire::Reject::limit, "too many queues and subscriptions at this agent"}};
    if (rules.may_publish(session.uid, header.kind, channel)) return why_no_home(header);
    return refuse_by_rule(denial_of_uid(session.uid, Act::give, header.kind, channel),
                          header.message_count);
}

// Each part says how large the whole is. What a peer sends its own agent has taken.
State::Refusal State::why_too_large(const wire::BatchHeader& header) {
    if (!header.part) return std::nullopt;
    const auto& policy = keeper.policies.of(header.kind, header.channel);
    if (policy.retain_last)
        return {{wire::Reject::too_large,
                 "the channel keeps its last message for late joiners (\"retain\"), and that may "
                 "have " +
                     std::to_string(wire::message_bytes_in_batch_max) + " bytes at most"}};
    const auto most = policy.max_message;
    if (header.part->total_bytes <= most) return std::nullopt;
    return {{wire::Reject::too_large, "a message of " + std::to_string(header.part->total_bytes) +
                                          " bytes, and " + std::string{header.channel} + " takes " +
                                          std::to_string(most) + " (the channel's max_message)"}};
}

void State::on_peer_batch(Peer& peer, const wire::Envelope& envelope, Batch batch) {
    const auto& header = batch.header();
    peer.window.on_received(batch.size() + wire::envelope_length, now);
    peer.received.count(batch.messages(), wire::envelope_length + batch.size());
    // Its credit; how long the line takes tells how much of a large message it may hold.
    if (envelope.number == 0 || header.part) want_ack(peer);
    if (envelope.number > 0 && envelope.number <= peer.intake->taken()) {
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
    if (!why && arrival.for_this_host) why = why_not_for(envelope.group, header.kind);
    if (!why) return take(arrival, for_group(std::move(batch), envelope.group));
    if (envelope.number == 0) {
        ++best_effort_dropped;
        return;
    }
    keeper.attach_safe(peer.intake, envelope.number, 0);
    send(*peer.active, wire::LinkRefuse{envelope.number, why->first, why->second});
}

State::Refusal State::why_not_from(const Peer& peer, const wire::BatchHeader& header) {
    if (is_between_agents(header.kind, header.channel)) return std::nullopt;
    if (wire::is_reserved(header.channel))
        return {{wire::Reject::bad_name, "this agent takes no such channel"}};
    if (peer.may_give(header.kind, header.channel)) return std::nullopt;
    return refuse_by_rule(denial_of_peer(peer, Act::give, header.kind, header.channel),
                          header.message_count);
}

// It was removed here while this was on its way: where it waits, others may have it.
State::Refusal State::why_not_for(std::string_view group, wire::Kind kind) {
    if (group.empty()) return std::nullopt;
    if (kind == wire::Kind::queue && wire::is_homed_address(group)) return std::nullopt;
    if (kind != wire::Kind::topic)
        return {{wire::Reject::malformed, "only topics have subscription groups"}};
    if (wire::is_late_joiner(group)) return std::nullopt;  // who has left misses nothing
    const std::string address{group};
    if (find_group(Destination::Type::shared, address) != nullptr) return std::nullopt;
    return {{wire::Reject::not_found, "there is no group \"" + address + "\" at this agent"}};
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
