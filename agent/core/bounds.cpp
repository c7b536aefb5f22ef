// What may wait for a peer: bytes, beyond which the channels are held back at
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

std::string State::bound_words(DestinationId to) const {
    const auto remote = remotes_by_destination.find(to);
    if (bytes_max(to) == quota() || remote == remotes_by_destination.end())
        return "its backlog has reached its share of the journal";
    return "what waits for " + name_of(remote->second->agent()) + " has reached its limit, " +
           std::to_string(bytes_max(to)) + " bytes";
}

// ---- Age -------------------------------------------------------------------------------------

bool State::may_become_overdue() const {
    return std::any_of(peers.begin(), peers.end(), [](const auto& peer) {
        return peer->configured && peer->settings.waiting.age > Duration{} &&
               peer->remote != nullptr && peer->remote->waiting().entries > 0;
    });
}

void State::bury_overdue() {
    for (const auto& peer : peers)
        if (peer->configured && peer->remote != nullptr) bury_overdue(*peer->remote);
}

void State::bury_overdue(Remote& remote) {
    const Bound* const bound = bound_of(remote);
    if (bound == nullptr || bound->age == Duration{}) return;
    const std::string reason =
        "it waited longer than " + in_words(bound->age) + " for " + name_of(remote.agent());
    std::uint64_t messages = 0;
    for (const Entry& entry : remote.take_overdue(now - bound->age, effects.reads)) {
        if (entry.custody->expires <= now) {
            keeper.settle(entry, Settlement::expired);
            continue;
        }
        messages += entry.messages();
        keeper.bury(entry, 0, entry.messages(), reason, name_of(remote.agent()));
        keeper.settle(entry, Settlement::dead_lettered);
    }
    if (messages > 0)
        event(Event::Kind::overdue_buried, name_of(remote.agent()),
              counted(messages, "message") + " waited longer than " + in_words(bound->age) +
                  " and went to the dead letters",
              messages);
}

}  // namespace bus::core
