// A queue's work for other agents: batches in the order of their lanes, whole where each agent gets
// one, else a piece for each. A piece stays owed by its batch, which is settled when all of it is.

#include "core/group.h"

#include <algorithm>

#include "base/mutation.h"
#include "core/remote.h"

namespace bus::core {

using wire::Lane;

Entry* Group::for_peer(PeerTaker taker) {
    if (!is_queue() || is_kept_here()) return nullptr;
    if (Entry* const rest = left_behind(taker)) return rest;
    const bool room_here = consumers_with_room() > 0;
    for (Run& lane : runs_) {
        Entry* const front = front_of(lane);
        if (front == nullptr) continue;
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

// What this host's consumers have not begun with, or, once there are none, have left.
Entry* Group::left_behind(PeerTaker taker) {
    if (ready_.empty()) return nullptr;
    const auto& [key, work] = *ready_.begin();
    Out& out = out_.at(key.first);
    if (!may_go_to_peer(out, work, taker)) return nullptr;
    if (out.entry.batch()) return &out.entry;
    recall(out.entry);
    return nullptr;
}

bool Group::may_go_to_peer(const Out& out, const Work& work, PeerTaker taker) {
    const bool is_whole = is_untouched(out, work);
    if (out.large != nullptr)
        return consumers_.empty() && is_whole &&
               (out.large->peer == nullptr || out.large->peer == taker) &&
               (!out.entry.has(entry_flag::pinned) || gives_all_away);
    if (is_service() && !(is_whole && consumers_.empty())) return false;
    const bool is_fresh = work.attempt == 1;
    if (!consumers_.empty() && (!is_fresh || consumers_with_room() > 0)) return false;
    return !is_pinned(out.entry);
}

bool Group::is_untouched(const Out& out, const Work& work) {
    return work.count == out.entry.messages() && out.entry.owed().done == 0 &&
           out.apart.buried == 0;
}

Entry Group::take_left_behind(PeerTaker taker) {
    const auto [key, work] = *ready_.begin();
    const auto at = out_.find(key.first);
    Out& out = at->second;
    ready_.erase(ready_.begin());
    const std::uint32_t count = share_of_peer(out.entry, work.count);
    const bool is_again = work.attempt > 1 || out.large != nullptr;
    if (!is_untouched(out, work) || count < work.count) {
        Entry piece = cut(out, key.second, count);
        if (is_again) piece.owed().flags |= entry_flag::rerouted;
        Work rest = work;
        rest.count -= count;
        if (rest.count > 0) ready_.emplace(WorkKey{key.first, key.second + count}, rest);
        return piece;
    }
    Entry entry = out.entry;
    if (is_again) entry.owed().flags |= entry_flag::rerouted;
    if (LargeMessage* const large = out.large)
        large->peer = taker;
    else
        out_.erase(at);
    return entry;
}

// An even share for each agent that works on it, where not even one batch waits for each.
std::uint32_t Group::share_of_peer(const Entry& entry, std::uint32_t count) const {
    if (is_service() || entry.batch().header().part) return count;
    const auto agents =
        std::count_if(takers.begin(), takers.end(), [](const Remote* taker) { return taker->up; }) +
        (consumers_.empty() ? 0 : 1);
    const auto sharers = static_cast<std::uint32_t>(std::max<std::ptrdiff_t>(1, agents));
    std::uint64_t batches = 0;
    for (const Run& lane : runs_) batches += lane.size().entries;
    if (batches >= sharers) return count;
    return std::min(count, (entry.messages() + sharers - 1) / sharers);
}

Entry Group::cut(Out& out, std::uint32_t first, std::uint32_t count) {
    out.at_peers += count;
    return keeper_.cut(out.entry, first, count);
}

void Group::decide_piece(const Entry& piece, Settlement how) {
    keeper_.end_piece(piece, how);
    const auto at = out_.find(piece.id());
    if (at == out_.end()) return;  // it was purged meanwhile
    Out& out = at->second;
    const std::uint32_t count = piece.messages();
    out.at_peers -= count;
    out.remaining -= count;
    if (how == Settlement::dead_lettered)
        out.apart.buried += count;
    else if (how == Settlement::moved)
        out.apart.moved += count;
    else if (how != Settlement::settled)
        out.how = how;
    if (out.remaining == 0 || mutated(Mutation::piece_settles_batch)) return settle(at);
    note_acknowledged(out, piece.custody->whole->first, count);
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
    if (left_behind(taker) != nullptr) return take_left_behind(taker);
    Entry entry = run(lane).pop();
    const std::uint32_t done = entry.owed().done;
    const std::uint32_t rest = entry.messages() - done;
    // What is left in the run is what waits for the others.
    if (const std::uint32_t count = share_of_peer(entry, rest); count < entry.messages()) {
        Out& out = out_.emplace(entry.id(), Out{.entry = entry, .remaining = rest}).first->second;
        if (count < rest) ready_.emplace(WorkKey{entry.id(), done + count}, Work{rest - count});
        return cut(out, done, count);
    }
    LargeMessage* const large = note_part(entry);
    if (large == nullptr) return entry;
    large->peer = taker;
    unblocked = large->complete;
    out_.emplace(entry.id(), Out{.entry = entry, .remaining = entry.messages(), .large = large});
    return entry;
}

bool Group::decided_at_peer(const Entry& entry, Settlement how) {
    if (entry.is_piece()) {
        decide_piece(entry, how);
        return true;
    }
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
    if (entry.is_piece()) {
        keeper_.end_piece(entry, Settlement::settled);  // its batch is waited for, as before
        const auto at = out_.find(batch);
        if (at == out_.end()) return;  // it was purged meanwhile
        at->second.at_peers -= count;
        return put_back(at->second, entry.custody->whole->first, {.count = count, .attempt = 2},
                        Duration{});
    }
    if (is_service()) {  // it may have been carried out there
        unanswered_.push_back({entry, 0, count, true});
        return keeper_.settle(entry, Settlement::purged);
    }
    const auto at = out_.emplace(batch, Out{.entry = std::move(entry), .remaining = count}).first;
    put_back(at->second, 0, {.count = count, .attempt = 2}, Duration{});
}

}  // namespace bus::core
