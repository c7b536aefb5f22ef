// A queue's work for other agents: whole batches, in the order of their lanes.

#include "core/group.h"

#include <algorithm>

namespace bus::core {

using wire::Lane;

Entry* Group::for_peer(PeerTaker taker) {
    if (!is_queue() || is_kept_here()) return nullptr;
    if (!ready_.empty()) return left_behind(taker);
    const bool room_here = std::any_of(consumers_.begin(), consumers_.end(),
                                       [](const Consumer& one) { return one.has_room(); });
    for (Run& lane : runs_) {
        Entry* const front = front_of(lane);
        if (front == nullptr || front->owed().done > 0) continue;
        // Its own host first, but for the rest of a message whose beginning the peer has.
        if (room_here && !is_with_peer(front->batch().header(), taker)) continue;
        if (may_go_to_peer(*front, taker)) return front;
    }
    return nullptr;
}

// What a peer sent is for this host, unless that cannot hand it out.
bool Group::is_pinned(const Entry& entry) const {
    if (!entry.has(entry_flag::pinned) || gives_all_away) return false;
    const Time since = consumers_.empty() ? forsaken_since_ : entry.custody->taken;
    return keeper_.now() - since <
           keeper_.policies.of(destination_.kind, destination_.name).return_after;
}

// Ranges of a batch, and what was decided in part, wait for a consumer of this host.
Entry* Group::left_behind(PeerTaker taker) {
    if (!consumers_.empty()) return nullptr;
    const auto& [key, work] = *ready_.begin();
    Out& out = out_.at(key.first);
    const bool whole = work.count == out.entry.messages() && out.entry.owed().done == 0;
    const bool is_free =
        out.large == nullptr || out.large->peer == nullptr || out.large->peer == taker;
    const bool stays = out.large != nullptr ? out.entry.has(entry_flag::pinned) && !gives_all_away
                                            : is_pinned(out.entry);
    if (!whole || !is_free || out.buried > 0 || stays) return nullptr;
    if (out.entry.batch()) return &out.entry;
    recall(out.entry);
    return nullptr;
}

Entry Group::take_left_behind(PeerTaker taker) {
    const auto at = out_.find(ready_.begin()->first.first);
    ready_.erase(ready_.begin());
    Entry entry = at->second.entry;
    entry.owed().flags |= entry_flag::rerouted;
    if (LargeMessage* const large = at->second.large)
        large->peer = taker;
    else
        out_.erase(at);
    return entry;
}

bool Group::is_with_peer(const wire::BatchHeader& batch, PeerTaker taker) {
    const LargeMessage* const large = large_.find(batch);
    return large != nullptr && large->peer == taker;
}

bool Group::may_go_to_peer(const Entry& entry, PeerTaker taker) {
    const auto& header = entry.batch().header();
    if (!header.part) return !is_pinned(entry);
    if (entry.has(entry_flag::pinned) && !gives_all_away) return false;
    const LargeMessage* const large = large_.find(header);
    return large == nullptr || large->peer == taker;
}

Entry Group::take_for_peer(Lane lane, PeerTaker taker) {
    // Who has just had one is woken last.
    const auto at = std::find(takers.begin(), takers.end(), taker);
    if (at != takers.end()) std::rotate(at, at + 1, takers.end());
    if (!ready_.empty()) return take_left_behind(taker);
    Entry entry = run(lane).pop();
    LargeMessage* const large = note_part(entry);
    if (large == nullptr) return entry;
    large->peer = taker;
    unblocked = large->complete;
    out_.emplace(entry.id(), Out{.entry = entry, .remaining = entry.messages(), .large = large});
    return entry;
}

bool Group::decided_at_peer(const Entry& entry, Settlement how) {
    const auto at = out_.find(entry.id());
    if (at == out_.end()) return false;
    Out& out = at->second;
    out.remaining = 0;
    out.how = how;
    keeper_.spare_bytes(out.entry);
    decide_part(at);
    return true;
}

void Group::return_from_peer(Entry entry) {
    const BatchId batch = entry.id();
    const std::uint32_t count = entry.messages();
    if (is_service()) {  // it may have been carried out there
        unanswered_.push_back({entry, 0, count, true});
        return keeper_.settle(entry, Settlement::purged);
    }
    const auto at = out_.emplace(batch, Out{.entry = std::move(entry), .remaining = count}).first;
    put_back(at->second, 0, {.count = count, .attempt = 2}, Duration{});
}

}  // namespace bus::core
