// Draining: every source is held back (its own programs and the peers), no peer
// is told a path by way of here, and queues give away whatever a peer can have.
// What had left for here is still taken: nothing that has left is refused.

#include "core/drain.h"

#include <algorithm>

#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using State = Exchange::State;

// ---- Beginning and end -----------------------------------------------------------------------

void Exchange::drain(bool on, Time now) {
    State& s = at(now);
    if (std::exchange(s.draining, on) == on) return;
    on ? s.begin_drain() : s.end_drain();
    for (const auto& [id, group] : s.groups) {
        group->gives_all_away = s.is_leaving(*group);
        for (Remote* taker : group->takers) taker->via->wake(*taker);
    }
}

void State::begin_drain() {
    event(Event::Kind::drain_changed, settings.name,
          "it is being drained: nothing new is taken until `bus drain --undo` or a restart");
    for (const auto& [id, own] : producers)
        if (own.session) hold_for_drain(id);
    for (const auto& peer : peers) {
        if (peer->configured && !peer->id.is_zero()) hold_for_drain(peer->id);
        tell_paths_again(*peer);
    }
}

void State::end_drain() {
    event(Event::Kind::drain_changed, settings.name, "it is not drained any more");
    let_go_on(drain_cause);
    for (const auto& peer : peers) tell_paths_again(*peer);
}

void State::hold_for_drain(const SourceId& source) {
    if (holds.hold(source, every_channel, drain_cause))
        tell_hold(source, every_channel, "this host is being drained");
}

void State::tell_paths_again(Peer& peer) {
    if (peer.active == nullptr) return;
    for (const auto& [agent, remote] : remotes) tell_path(peer, agent);
}

// ---- What is left ----------------------------------------------------------------------------

namespace {

using Row = DrainReport::Row;

std::uint64_t age_of(Time oldest, Time now) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now - std::min(now, oldest)).count());
}

std::string link_words(const State& s, const State::Peer& peer) {
    return "the link to " + peer.settings.name +
           (peer.down_since == Time{} ? " has not been up since this agent started"
                                      : " is down for " + in_words(s.now - peer.down_since)) +
           (peer.last_error.empty() ? "" : " (" + peer.last_error + ")");
}

// It goes, or what keeps it.
std::pair<bool, std::string> judge(const State& s, const Remote& remote) {
    if (remote.via == nullptr)
        return {false, "no way to it is known: no link, no peer that relays"};
    const State::Peer& peer = *s.peers_by_outbound.at(remote.via);
    const auto& held = remote.via->held();
    if (peer.active == nullptr) return {false, link_words(s, peer)};
    if (held.everything())
        return {false, peer.settings.name + " takes nothing now: it is full, or drained as well"};
    if (const auto names = joined(held.names()); !names.empty())
        return {false, peer.settings.name + " holds back " + names};
    if (peer.settings.may && remote.via->in_flight_bytes() == 0)
        return {false, "nothing moves: its entry may not allow these channels"};
    return {true,
            &remote == peer.remote ? "goes by its link" : "goes by way of " + peer.settings.name};
}

std::pair<bool, std::string> judge_queue(const State& s, const Group& queue) {
    for (const Remote* taker : queue.takers) {
        const auto [moves, words] = judge(s, *taker);
        if (moves) return {true, "goes to " + s.name_of(taker->agent())};
        if (queue.consumers() == 0)
            return {false, s.name_of(taker->agent()) + " could have it, but " + words};
    }
    if (queue.consumers() == 0) return {false, "it has no consumer anywhere within reach"};
    return {queue.consumers_with_room() > 0,
            counted(queue.consumers(), "consumer") + " of this host" +
                (queue.consumers_with_room() > 0 ? "" : ", none of which acknowledges")};
}

std::pair<bool, std::string> judge(const State& s, const Group& group) {
    if (group.is_queue()) return judge_queue(s, group);
    const bool durable = group.destination().type == Destination::Type::durable;
    if (group.consumers() == 0)
        return {false, durable ? "its app is away, and nobody else can have it"
                               : "its app is gone; it ends by itself"};
    if (group.consumers_with_room() == 0) return {false, "its app does not acknowledge"};
    return {true, "its app reads it"};
}

Row row_of(const State& s, const Remote& remote) {
    Run::Size size = remote.waiting();
    for (const auto& peer : s.peers)
        size.add(peer->outbound->under_way_to(remote, Outbound::Of::everything));
    const auto [moves, words] = judge(s, remote);
    return {"agent " + s.name_of(remote.agent()),
            {size.messages, size.bytes, age_of(remote.oldest(), s.now)},
            moves,
            words};
}

Row row_of(const State& s, const Group& group) {
    const Destination& d = group.destination();
    const auto size = group.waiting();
    const auto [moves, words] = judge(s, group);
    const std::string what = group.is_service()                     ? "service " + d.name
                             : group.is_shared()                    ? "group " + d.name
                             : group.is_queue()                     ? "queue " + d.name
                             : d.type == Destination::Type::durable ? "durable " + d.name
                                                                    : "subscription to " + d.filter;
    return {what, {size.messages, size.bytes, age_of(group.oldest(), s.now)}, moves, words};
}

void add(DrainReport& report, Row row) {
    if (row.amount.messages == 0) return;
    report.all.messages += row.amount.messages;
    report.all.bytes += row.amount.bytes;
    report.all.oldest_millis = std::max(report.all.oldest_millis, row.amount.oldest_millis);
    report.rows.push_back(std::move(row));
}

}  // namespace

DrainReport Exchange::drain_report(Time now) const {
    state_->now = std::max(state_->now, now);
    const State& s = *state_;
    DrainReport report{.draining = s.draining};
    for (const auto& [agent, remote] : s.remotes) add(report, row_of(s, *remote));
    for (const auto& [id, group] : s.groups) add(report, row_of(s, *group));
    const auto delayed = s.delays.size();
    add(report, {"delayed messages",
                 {delayed.messages, delayed.bytes, 0},
                 false,
                 "not due yet: each goes when it is"});
    for (const auto& peer : s.peers)
        if (peer->active != nullptr) report.bytes_per_second += peer->sent.speed(now).bytes;
    std::stable_partition(report.rows.begin(), report.rows.end(),
                          [](const Row& row) { return !row.moves; });
    return report;
}

}  // namespace bus::core
