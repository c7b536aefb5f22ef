// The turn: what came in is handed out, sent, made safe and answered together. And the tick, once a
// second, of what has no event of its own.

#include <algorithm>

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

void State::event(Event::Kind kind, std::string subject, std::string words,
                  std::uint64_t messages) {
    effects.events.push_back({kind, now, std::move(subject), std::move(words), messages, {}});
}

std::uint64_t State::memory_share() const {
    const bool pressed = keeper.meter.bytes() > limits::memory_pressure;
    return pressed ? limits::stream_memory / 16 : limits::stream_memory;
}

// Hands out and sends whatever may leave, and asks for what has to come back from disk.
void State::move_streams() {
    const auto share = memory_share();
    for (const StreamId& stream : std::exchange(keeper.journaled_streams, {})) {
        visit_destination(stream.to, [&](auto& to) { to.trim(share); });
        if (stream == delays.stream()) delays.trim(share);
    }
    for (const DestinationId id : std::set<DestinationId>{delaying})
        if (groups.at(id)->next_deadline() <= now) touch(*groups.at(id));
    resume_attachments();
    hand_out_touched();
    for (Peer* peer : rated)
        if (peer->outbound->next_deadline() <= now) pump(*peer);
    do {
        while (!dirty_outbounds.empty())  // those that yield to each other come again
            for (const Outbound* outbound : std::exchange(dirty_outbounds, {}))
                pump(*peers_by_outbound.at(outbound));
        hand_out_touched();  // what a peer has unblocked
    } while (!dirty_outbounds.empty());
}

void State::hand_out_touched() {
    const auto share = memory_share();
    for (const DestinationId id : std::exchange(touched, {})) {
        const auto found = groups.find(id);
        if (found == groups.end()) continue;
        Group& group = *found->second;
        group.dirty = false;
        group.hand_out(effects);
        hand_out_elsewhere(group);
        if (group.is_service()) answer_unanswered(group);
        group.read_on_if_wanted(share, false, effects.reads);
        if (group.has_large_messages()) restless.insert(id);
        if (group.next_deadline() == never)
            delaying.erase(id);
        else
            delaying.insert(id);
        for (Remote* taker : group.takers) taker->via->wake(*taker);
    }
}

void State::touch(Group& group) {
    if (!std::exchange(group.dirty, true)) touched.push_back(group.id());
}

void State::answer_subscribed() {
    std::erase_if(pending_replies, [&](const PendingReply& pending) {
        if (keeper.committed_through() < pending.after) return false;
        const auto session = sessions.find(pending.session);
        if (session == sessions.end()) return true;
        reply(pending.session, pending.reply);
        const auto* const stands = std::get_if<wire::Subscribed>(&pending.reply);
        if (stands == nullptr) return true;
        const auto& subscriptions = session->second.subscriptions;
        if (const auto of = subscriptions.find(stands->id); of != subscriptions.end())
            (void)tell_gaps(*groups.at(of->second));
        return true;
    });
}

// Tells sources what has become safe.
void State::collect_safe() {
    for (const auto& intake : std::exchange(keeper.dirty_intakes, {})) {
        const auto safe = intake->take_newly_safe();
        if (const auto* id = std::get_if<ProducerId>(&intake->source())) {
            const auto found = producers.find(*id);
            if (found == producers.end()) continue;
            Producer& to = found->second;
            if (!std::exchange(to.tell, true)) producers_to_tell.push_back(&to);
            if (!to.session) continue;  // Welcome.safe tells it
            for (const auto& one : safe)
                to.receipts.push_back({.number = one.number,
                                       .stage = wire::Stage::safe,
                                       .fate = wire::Fate::reached,
                                       .destinations = one.destinations});
        } else {
            const auto& from = std::get<Intake::FromPeer>(intake->source());
            Peer* const peer = peer_by_id(from.peer);
            if (peer != nullptr && peer->intake == intake) want_ack(*peer);
        }
    }
}

void State::tick() {
    next_tick = now + std::chrono::seconds{1};
    flush_paths();  // the digests of keepalives count them
    for (auto& [id, link] : links) tick_link(link);
    for (const auto& peer : peers) {
        peer->sent.sample(now);
        peer->received.sample(now);
    }
    settle_links();
    for (const auto& [agent, remote] : remotes) {
        remote->forget_parts(now - limits::session_linger);
        remote->end_fleeting();
    }
    apply_deferred_paths();
    end_recovered_interest();
    end_lingering();
    bury_overdue();
    bury_old();
    lapse_beyond_shares();
    flush_gaps();
    ask_for_parts();
    reclaim_from_absent();
    forget_old_producers();
    retry_forwarding();
    tend_far_consumers();
    tend_attachments();
}

// What was kept for an app that may come back, and what nobody uses.
void State::end_lingering() {
    std::vector<DestinationId> ended;
    std::erase_if(restless, [&](const DestinationId id) {
        Group& group = *groups.at(id);
        if (group.is_queue()) {
            note_attendance(group);
            note_load(group);
        }
        if (group.is_queue() && is_forsaken(group)) ended.push_back(id);
        // What is pinned here may go elsewhere after a while.
        if (!group.takers.empty() && !group.idle()) touch(group);
        if (group.linger_until > now)
            return group.linger_until == never && !group.is_queue() && !group.has_large_messages();
        group.linger_until = never;
        if (group.consumers() > 0) return false;
        if (group.is_queue())
            hide_interest(group);
        else
            ended.push_back(id);
        return false;
    });
    for (const DestinationId id : ended) drop_group(id);
}

// A queue that nobody uses any more is forgotten; its next message makes it anew.
bool State::is_forsaken(Group& queue_here) const {
    if (queue_here.is_shared()) return false;  // it stands until it is removed
    const bool idle = queue_here.idle() && keeper.ledger.account(queue_here.id()).waiting == 0;
    if (!idle) queue_here.idle_ticks = 0;
    return idle && !queue_here.interest_shown &&
           ++queue_here.idle_ticks > limits::queue_idle_ticks_max;
}

void State::forget_old_producers() {
    for (auto at = producers.begin(); at != producers.end();) {
        const Producer& own = at->second;
        const bool old = !own.session && now - own.gone_since > limits::producer_mark_life;
        if (!old || !own.intake->empty()) {
            ++at;
            continue;
        }
        if (own.intake->durable() > 0 || !own.given_up.empty())
            keeper.change(DropProducerMark{own.id});
        holds.forget(own.id);
        at = producers.erase(at);
    }
}

// Asked in each turn: it may not walk what there are many of.
bool State::needs_ticks() const {
    return !links.empty() || links_settling || !restless.empty() || !collecting.empty() ||
           !gaps_due.empty() || !far_consumers.empty() || !attachments.empty() ||
           may_become_overdue() || forwarding.blocked;
}

void State::on_committed(const Committed& answer) {
    const auto dropped = keeper.space().dead_letters_dropped;
    keeper.on_committed(answer);
    go_on_searching();
    look_for_new_dead_letters();
    if (answer.space.dead_letters_dropped <= dropped) return;
    const auto messages = answer.space.dead_letters_dropped - dropped;
    event(Event::Kind::dead_letters_dropped, "journal",
          "the dead letters have used up their share: the oldest " + std::to_string(messages) +
              " messages are dropped",
          messages);
}

void State::on_loaded(const Loaded& answer) {
    const StreamId& stream = answer.request.stream;
    if (answer.request.old) return bury_found(answer);
    if (stream == delays.stream()) return delays.on_loaded(answer);
    if (const auto group = groups.find(stream.to); group != groups.end()) {
        group->second->on_loaded(answer);
        bury_old(*group->second);
        if (group->second->collecting) lapse(*group->second);
        wake(*group->second);
    } else if (Remote* const to = find_remote(stream.to)) {
        to->on_loaded(answer);
        bury_overdue(*to);
        bury_old(*to);
        wake(*to);
    }
}

}  // namespace bus::core
