// Large messages whose rest does not come. Whoever has handed out the beginning
// asks the agent that took the message from its producer. Only that one knows
// whether more will come; if not, it sends an abort, in order behind whatever
// of the message is still on its way. That holds whatever was lost: a producer,
// a journal, a row, or the end of a copy that a crash brought back.

#include "core/state.h"

namespace bus::core {

static_assert(limits::unfinished_max <= wire::hello_unfinished_max,
              "a producer can name in its hello all that it may have begun");

// ---- Where the message came from --------------------------------------------------------

void Exchange::State::note_part(Producer& own, const wire::BatchHeader& header) {
    if (is_last_part(header))
        own.unfinished.erase(header.part->first_sequence);
    else
        own.unfinished.insert(header.part->first_sequence);
}

// A producer that says so knows better than an agent that may have restarted.
void Exchange::State::note_unfinished(Producer& own, const wire::Hello& hello) {
    own.tells_unfinished = hello.unfinished.has_value();
    if (!hello.unfinished) return;
    own.unfinished.clear();
    for (const auto& message : *hello.unfinished) {
        const bool all_taken =
            message.last_number != 0 && message.last_number <= own.intake->taken();
        if (!all_taken && !own.given_up.contains(message.first_sequence))
            own.unfinished.insert(message.first_sequence);
    }
}

bool Exchange::State::may_go_on(const ProducerId& id, std::uint64_t first_sequence) const {
    const auto found = producers.find(id);
    if (found == producers.end()) return now - started < Duration{limits::session_linger};
    const Producer& own = found->second;
    if (own.session) return !own.tells_unfinished || own.unfinished.contains(first_sequence);
    return !own.given_up.contains(first_sequence) &&
           now - own.gone_since < Duration{limits::session_linger};
}

// No more of it will be taken from its producer. true: that is certain, also after a crash.
bool Exchange::State::give_up(const wire::LinkUnfinished& message) {
    const bool known = producers.contains(message.producer);
    if (!known && producers.size() >= limits::producer_marks_max) return false;
    Producer& own = producer(message.producer, producer_uid_unknown);
    if (own.session) return true;  // it is there, and this message is over
    if (!known) own.gone_since = now - limits::session_linger;
    const auto [at, news] = own.given_up.try_emplace(message.part.first_sequence);
    if (news) {
        keeper.change(GiveUp{message.producer, message.part.first_sequence}, true);
        at->second = keeper.pending_submission();
        own.unfinished.erase(message.part.first_sequence);
        event(Event::Kind::batch_expired, message.channel,
              "its producer is gone in the middle of a large message: what came of it is dropped");
    }
    return keeper.committed_through() >= at->second;
}

void Exchange::State::on_unfinished(Link& link, const wire::LinkUnfinished& message) {
    if (!message.origin.is_zero() && message.origin != settings.agent)
        return send_towards(message.origin, message);
    Remote* const asker = message.asker.is_zero() ? link.peer->remote : learn(message.asker);
    if (asker == nullptr) return;
    if (may_go_on(message.producer, message.part.first_sequence) || !give_up(message)) return;
    Group* const from = message.kind == wire::Kind::queue
                            ? find_group(Destination::Type::queue, message.channel)
                            : find_group(Destination::Type::shared, message.group);
    LargeMessage* const large =
        from == nullptr ? nullptr
                        : from->large_message(message.producer, message.part.first_sequence);
    if (large == nullptr || large->peer != asker) return owe_abort(message, {}, {asker});
    if (large->complete || std::exchange(large->ended, true)) return;
    owe_abort(large->rest, {from}, {});  // behind what may still wait in the queue
}

void Exchange::State::owe_abort(const wire::LinkUnfinished& message,
                                const std::vector<Group*>& to_groups,
                                const std::vector<Remote*>& to_remotes) {
    owe({.intake = nullptr, .source = message.producer}, abort_of(message), to_groups, to_remotes,
        0, false);
}

// ---- Where its beginning was handed out ---------------------------------------------------

void Exchange::State::ask_for_parts() {
    for (const DestinationId id : restless) {
        Group* const group = groups.at(id).get();
        if (!group->has_large_messages()) continue;
        for (LargeMessage* message : group->waiting_for_parts(now - limits::session_linger)) {
            if (message->ended || now - message->asked < Duration{limits::ask_again}) continue;
            message->asked = now;
            ask_for_rest(*group, *message);
        }
    }
}

void Exchange::State::ask_for_rest(Group& group, LargeMessage& message) {
    if (message.source == DestinationId{}) {
        const auto& rest = message.rest;
        if (may_go_on(rest.producer, rest.part.first_sequence)) return;
        message.ended = give_up(rest);
        if (message.ended) return owe_abort(rest, {&group}, {});
        message.asked = {};  // as soon as it is certain
        return;
    }
    const Remote* const origin = find_remote(message.source);
    const bool was_peer = origin != nullptr && peer_by_id(origin->agent()) != nullptr;
    if (origin == nullptr || (was_peer && origin->via == nullptr)) {
        event(Event::Kind::batch_dead_lettered, message.rest.channel,
              "the agent that sent the beginning of a large message is no peer any more");
        return group.bury_whole(message, "its origin is no peer any more");
    }
    auto question = message.rest;
    question.origin = origin->agent();
    question.asker = settings.agent;
    send_towards(origin->agent(), question);
}

// ---- Where it was given to a peer ---------------------------------------------------------

// The rest of a message that a peer began stands before all else in its queue. The peer has not
// got the whole, so nobody there can consume it: if it stays away another one begins anew.
void Exchange::State::reclaim_from_absent() {
    for (const DestinationId id : restless) {
        Group* const group = groups.at(id).get();
        if (!group->is_queue() || !group->has_large_messages()) continue;
        for (const auto& [agent, remote] : remotes) {
            if (remote->up || now - remote->down_since < Duration{limits::session_linger}) continue;
            for (LargeMessage* message : group->with_peer(remote.get())) {
                for (const auto& peer : peers) peer->outbound->abandon(*group, *message);
                remote->abandon(*group, *message);
                group->reclaim(*message);
                touch(*group);
            }
        }
    }
}

}  // namespace bus::core
