// What may wait for a peer, or on channels: bytes, beyond which the channels are held back at
// their sources, and an age, beyond which it becomes a dead letter, the oldest
// first. What has left, or came back from a way that failed, may have been taken
// and is left alone.

#include <algorithm>

#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using State = Exchange::State;

const Bound* State::bound_of(const Remote& remote) const {
    const Peer* const peer = peer_by_id(remote.agent());
    return peer == nullptr || !peer->configured ? nullptr : &peer->settings.waiting;
}

std::uint64_t State::bytes_max(DestinationId to) const {
    const auto remote = remotes_by_destination.find(to);
    const Bound* const bound =
        remote == remotes_by_destination.end() ? nullptr : bound_of(*remote->second);
    return bound == nullptr || bound->bytes == 0 ? quota() : std::min(quota(), bound->bytes);
}

std::string State::bound_words(Cause cause) const {
    if (cause.of == Cause::Of::bound) {
        const auto* const bound = bounds.find(cause.number);
        BUS_ASSERT(bound != nullptr);  // whoever ends lets go
        using Reached = PublisherBounds::One::Reached;
        const PublisherBound& most = bound->settings.waiting;
        const std::string of = (bound->owner == 0 ? " on " : " of ") + bound->words();
        if (bound->reached == Reached::no)
            return "more than " + std::to_string(most.rate) + " messages a second come" + of;
        return "what waits" + of + " has reached its limit, " +
               (bound->reached == Reached::bytes ? std::to_string(most.bytes) + " bytes"
                                                 : counted(most.messages, "message"));
    }
    if (cause == full_journal) return "the journal is full";
    if (cause == drain_cause) return "this host is being drained";
    const DestinationId to = cause.destination();
    const auto remote = remotes_by_destination.find(to);
    if (bytes_max(to) == quota() || remote == remotes_by_destination.end())
        return "a backlog has reached its share of the journal";
    return "what waits for " + name_of(remote->second->agent()) + " has reached its limit, " +
           std::to_string(bytes_max(to)) + " bytes";
}

// ---- Age -------------------------------------------------------------------------------------

bool State::may_become_overdue() const {
    const bool by_peer = std::any_of(peers.begin(), peers.end(), [](const auto& peer) {
        return peer->configured && peer->settings.waiting.age > Duration{} &&
               peer->remote != nullptr && peer->remote->waiting().entries > 0;
    });
    if (by_peer || !bounds.has_ages()) return by_peer;
    const auto waits = [](const auto& one) { return one.second->waiting().entries > 0; };
    return std::any_of(groups.begin(), groups.end(), waits) ||
           std::any_of(remotes.begin(), remotes.end(), waits);
}

void State::bury_overdue() {
    for (const auto& peer : peers)
        if (peer->configured && peer->remote != nullptr) bury_overdue(*peer->remote);
}

void State::bury_overdue(Remote& remote) {
    const Bound* const bound = bound_of(remote);
    if (bound == nullptr || bound->age == Duration{}) return;
    auto overdue = remote.take_overdue(now - bound->age, effects.reads);
    for (Entry& rest : remote.take_rests()) overdue.push_back(std::move(rest));
    const std::string name = name_of(remote.agent());
    bury_overdue(overdue, {name, "for " + name, name, bound->age});
}

// What comes behind it in its stream may leave before the journal has it.
void State::tell_dead(const Entry& entry, std::uint32_t messages, std::string reason) {
    event(Event::Kind::batch_dead_lettered, std::string{entry.batch().header().channel},
          std::move(reason), messages);
    effects.events.back().batch = entry.batch();
    effects.events.back().destination = entry.owed().stream.to;
}

void State::bury_overdue(const std::vector<Entry>& entries, const Waited& waited) {
    const std::string length = "longer than " + in_words(waited.age) + " " + waited.where;
    std::uint64_t messages = 0;
    for (const Entry& entry : entries) {
        const bool is_expired = entry.custody->expires <= now;
        if (is_expired || is_abort(entry.batch().header())) {
            keeper.settle(entry, is_expired ? Settlement::expired : Settlement::settled);
            continue;
        }
        const std::uint32_t done = entry.owed().done, rest = entry.messages() - done;
        messages += rest;
        keeper.bury(entry, done, rest, "it waited " + length, waited.destination);
        tell_dead(entry, rest, "it waited " + length);
        keeper.settle(entry, Settlement::dead_lettered);
    }
    if (messages > 0)
        event(Event::Kind::overdue_buried, waited.subject,
              counted(messages, "message") + " waited " + length + " and went to the dead letters",
              messages);
}

}  // namespace bus::core
