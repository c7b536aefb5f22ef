// Consumers at other agents of queues that this agent keeps. Each is a consumer
// of the queue's group under a session that no app has; what it is handed goes
// out in the stream of its agent, counted, and what it decides comes back,
// counted as well.

#include <algorithm>

#include "base/mutation.h"
#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

namespace {

wire::AttachmentId without_home(wire::AttachmentId id) {
    id.home = 0;
    return id;
}

// They end while they are gone through.
template <class Meant>
std::vector<SessionId> sessions_of(const std::map<SessionId, Attachment>& attachments,
                                   Meant is_meant) {
    std::vector<SessionId> found;
    for (const auto& [session, one] : attachments)
        if (is_meant(one)) found.push_back(session);
    return found;
}

}  // namespace

// nullptr: it is of an earlier start of either agent, or has ended.
Attachment* State::find_attachment(const AgentId& agent, const wire::AttachmentId& id) {
    if (id.home != 0 && id.home != incarnation) return nullptr;
    const auto found = attachments_by_id.find({agent, without_home(id)});
    return found == attachments_by_id.end() ? nullptr : &attachments.at(found->second);
}

void State::tell_ended(const AgentId& agent, const wire::AttachmentId& id, wire::Reject code,
                       std::string reason) {
    (void)say(agent, wire::AttachmentEnded{id, code, std::move(reason)});
}

State::Refusal State::why_not_attach(const Peer& told_by, const Remote& from,
                                     const wire::Attach& frame) {
    if (home_of(frame.queue).where != QueueHome::Where::here)
        return {{wire::Reject::unavailable,
                 settings.name + " does not keep " + frame.queue +
                     ": its configuration gives the queue no \"home\", or another"}};
    if (from.via == nullptr) return {{wire::Reject::unavailable, "there is no way to it"}};
    for (const Peer* by : {&told_by, static_cast<const Peer*>(peers_by_outbound.at(from.via))})
        if (!by->may_have(wire::Kind::queue, frame.queue))
            return refuse_by_rule(denial_of_peer(*by, Act::take, wire::Kind::queue, frame.queue),
                                  0);
    if (attachments.size() >= limits::attachments_max)
        return {{wire::Reject::limit,
                 "too many consumers elsewhere of queues that are kept here "
                 "(limits::attachments_max)"}};
    if (groups.size() >= limits::subscriptions_max &&
        find_group(Destination::Type::queue, frame.queue) == nullptr)
        return {{wire::Reject::limit, "too many queues and subscriptions at this agent"}};
    return std::nullopt;
}

void State::on_attach(const Peer& by, Remote& from, const wire::Attach& frame) {
    const AgentId agent = from.agent();
    if (Attachment* const known = find_attachment(agent, frame.id)) {
        known->heard = now;
        if (frame.acks <= known->acks) {
            (void)say(agent, wire::Attached{known->id, known->given});
            return;
        }
        // Something of what was decided is lost.
        const wire::AttachmentId id = known->id;
        end_attachment(known->consumer.session, Group::Parting::left);
        return tell_ended(agent, id, wire::Reject::none, "");
    }
    // One that has ended is not made again: what is on its way of it must find nothing.
    const auto last = last_attached.find(agent);
    if (frame.id.home != 0 || (last != last_attached.end() && frame.id <= last->second))
        return tell_ended(agent, frame.id, wire::Reject::none, "");
    if (const auto why = why_not_attach(by, from, frame))
        return tell_ended(agent, frame.id, why->first, why->second);
    end_attachments_before(agent, frame.id.life);
    last_attached[agent] = frame.id;
    Group& group = queue(frame.queue);
    const SessionId session{first_session_elsewhere | ++last_attachment};
    Attachment& added = attachments[session];
    added = {.agent = agent,
             .id = {frame.id.life, frame.id.number, incarnation},
             .group = group.id(),
             .consumer = {session, frame.id.number},
             .heard = now,
             .undecided = {}};
    attachments_by_id[{agent, frame.id}] = session;
    group.join(added.consumer,
               {.messages_max = std::min(frame.messages_max, limits::prefetch_messages_max),
                .bytes_max = std::min(frame.bytes_max, limits::attachment_bytes_max),
                .ack_deadline = std::chrono::milliseconds{std::min(
                    frame.ack_deadline_millis,
                    static_cast<std::uint64_t>(
                        std::chrono::milliseconds{limits::ack_deadline_max}.count()))},
                .rate = frame.rate,
                .by_parts = frame.by_parts});
    group.behind = false;
    touch(group);
    (void)say(agent, wire::Attached{added.id, 0});
}

void State::on_far_acks(Remote& from, const wire::HomedAcks& frame) {
    Attachment* const of = find_attachment(from.agent(), frame.id);
    if (of == nullptr || frame.id.home == 0)
        return tell_ended(from.agent(), frame.id, wire::Reject::none, "");
    if (frame.count <= of->acks) {
        ++duplicates_dropped;
        return;
    }
    if (frame.count != of->acks + 1) {
        const wire::AttachmentId id = of->id;
        end_attachment(of->consumer.session, Group::Parting::left);
        return tell_ended(from.agent(), id, wire::Reject::none, "");
    }
    of->acks = frame.count;
    of->heard = now;
    Group& group = *groups.at(of->group);
    for (wire::Ack ack : frame.acks) {
        auto& all = of->undecided;
        const auto given = all.find(ack.tag);
        const Lease* const lease = given == all.end() ? nullptr : leases.find(given->second.tag);
        if (lease == nullptr) {
            ++late_acks;
            continue;
        }
        // Its batch there was cut to the range.
        ack.tag = given->second.tag;
        ack.first += lease->first;
        if (group.decide(ack) == Group::Decision::malformed) ++malformed;
        const auto end = std::next(given);
        for (auto at = ack.through ? all.begin() : given; at != end;)
            at = leases.find(at->second.tag) == nullptr ? all.erase(at) : std::next(at);
    }
    touch(group);
}

void State::hand_out_elsewhere(Group& group) {
    for (const ToApp& given : group.take_for_elsewhere()) {
        const auto found = attachments.find(given.session);
        if (found == attachments.end()) continue;  // it left in this turn
        Attachment& to = found->second;
        Remote* const remote = find_remote(to.agent);
        if (remote == nullptr) continue;  // it is forgotten, and so ends with the next tick
        owe_delivery(to, std::get<SendBatch>(given.what), *remote);
        if (remote->fleeting_bytes() < limits::deliveries_in_line_max) continue;
        // What stands in line would only be memory.
        group.stop(to.consumer, true);
        stopped_attachments.insert(given.session);
    }
}

void State::owe_delivery(Attachment& to, const SendBatch& given, Remote& remote) {
    const auto& [envelope, batch, begin, end] = given;
    const bool whole = envelope.messages == batch.messages();
    const Batch range = whole
                            ? batch
                            : *OwnedBatch::make(wire::cut_batch(batch.bytes(), batch.header(),
                                                                envelope.first, envelope.messages));
    ++to.given;
    const wire::HomedDelivery delivery{
        .to = to.id,
        .count = to.given,
        .attempt = envelope.attempt,
        .redelivered = (envelope.flags & wire::envelope_flag::redelivered) != 0,
        .lifetime_millis = envelope.lifetime_millis};
    const auto custody = keeper.take_fleeting(
        for_group(range, wire::homed_address(delivery)), {{{remote.id(), range.header().lane}, 0}},
        now + limits::delivery_life, {}, 0, Keeper::Account::none);
    to.undecided[to.given] = {envelope.number, custody};
    remote.offer(Entry{custody, 0});
    wake(remote);
}

void State::resume_attachments() {
    std::erase_if(stopped_attachments, [&](const SessionId session) {
        const auto found = attachments.find(session);
        if (found == attachments.end()) return true;
        const Remote* const remote = find_remote(found->second.agent);
        if (remote != nullptr && remote->fleeting_bytes() > limits::deliveries_in_line_max / 2)
            return false;
        Group& group = *groups.at(found->second.group);
        group.stop(found->second.consumer, false);
        touch(group);
        return true;
    });
}

void State::end_attachment(SessionId session, Group::Parting how) {
    const auto found = attachments.find(session);
    if (found == attachments.end()) return;
    const Attachment gone = found->second;
    // What has not left is of no use to anybody.
    for (const auto& [count, one] : gone.undecided)
        if (const auto custody = one.on_its_way.lock()) custody->expires = now;
    attachments_by_id.erase({gone.agent, without_home(gone.id)});
    attachments.erase(found);
    Group& group = *groups.at(gone.group);
    group.leave(gone.consumer, how);
    if (group.consumers() == 0) hide_interest(group);
    touch(group);
}

void State::end_attachments_of(const AgentId& agent) {
    for (const SessionId session :
         sessions_of(attachments, [&](const Attachment& one) { return one.agent == agent; }))
        end_attachment(session, Group::Parting::left);
    last_attached.erase(agent);
}

// Its agent has started anew: its session is gone.
void State::end_attachments_before(const AgentId& agent, std::uint64_t life) {
    if (mutated(Mutation::attachment_outlives_agent)) return;
    const auto is_earlier = [&](const Attachment& one) {
        return one.agent == agent && one.id.life < life;
    };
    for (const SessionId session : sessions_of(attachments, is_earlier))
        end_attachment(session, Group::Parting::lost);
}

// Of who is out of reach, or silent, or may not have it any more, others get what it had.
void State::tend_attachments() {
    if (mutated(Mutation::attachment_outlives_agent)) return;
    std::vector<SessionId> ended;
    for (auto& [session, one] : attachments) {
        const Remote* const remote = find_remote(one.agent);
        const std::string& name = groups.at(one.group)->destination().name;
        if (remote == nullptr || !works_on(*remote, wire::Kind::queue, name) ||
            now - one.heard > Duration{limits::attachment_silence_max})
            ended.push_back(session);
        std::erase_if(one.undecided,
                      [&](const auto& given) { return leases.find(given.second.tag) == nullptr; });
    }
    for (const SessionId session : ended) {
        const Attachment& one = attachments.at(session);
        tell_ended(one.agent, one.id, wire::Reject::none, "");
        end_attachment(session, Group::Parting::left);
    }
}

}  // namespace bus::core
