#include "core/seen.h"

#include <algorithm>

#include "base/mutation.h"

namespace bus::core {

Seen::Key Seen::key_of(const wire::BatchHeader& header) {
    // What comes late by right has a sequence of its own.
    const std::uint64_t apart = header.is_delayed() ? 1 : 0;
    return {header.producer, wire::order_hash(header) ^ apart, header.lane};
}

std::size_t Seen::KeyHash::operator()(const Key& key) const noexcept {
    const auto lane = static_cast<std::size_t>(key.lane);
    return std::hash<ProducerId>{}(key.producer) ^ (key.channel * 3 + lane);
}

Seen::Answer Seen::look(const wire::BatchHeader& header, bool rerouted) const {
    const auto found = keys_.find(key_of(header));
    if (found == keys_.end()) return Answer::unknown;
    const Known& known = found->second;
    const auto first = header.channel_sequence;
    const auto last = first + header.message_count - 1;
    for (const Range& range : known.ranges)
        if (range.first <= first && last <= range.last) return Answer::taken;

    const auto top = known.ranges.empty() ? 0 : known.ranges.back().last;
    // What comes late by right comes in any order: nothing is known of what is above.
    const bool above_all = !header.is_delayed() && first > top && first > known.forgotten_top;
    if (!rerouted && above_all && known.straight && first > known.unflagged_top)
        return Answer::fresh;
    return mutated(Mutation::resent_guessed) ? Answer::taken : Answer::unknown;
}

bool Seen::expects_copies(const wire::BatchHeader& header) const {
    if (!rerouted_came_) return false;
    const auto found = keys_.find(key_of(header));
    return found != keys_.end() && found->second.rerouted;
}

Seen::Turn Seen::take(const wire::BatchHeader& header, Way way) {
    const auto key = key_of(header);
    auto found = keys_.find(key);
    if (found == keys_.end()) {
        if (keys_.size() >= keys_max_) {
            keys_.erase(by_use_.back());
            by_use_.pop_back();
        }
        by_use_.push_front(key);
        found = keys_.emplace(key, Known{}).first;
        found->second.use = by_use_.begin();
    } else if (found->second.use != by_use_.begin()) {
        by_use_.splice(by_use_.begin(), by_use_, found->second.use);
    }
    const auto first = header.channel_sequence;
    const auto last = first + header.message_count - 1;
    Known& known = found->second;
    known.rerouted = known.rerouted || way.rerouted;
    rerouted_came_ = rerouted_came_ || way.rerouted;
    known.straight = known.straight || (!way.flagged && !way.relayed);
    const bool is_late = !way.flagged && !header.is_delayed() && first <= known.unflagged_top;
    if (!way.flagged) known.unflagged_top = std::max(known.unflagged_top, last);
    insert(known, {first, last});
    return is_late ? Turn::late : Turn::in_order;
}

void Seen::forget(const wire::BatchHeader& abort) {
    const auto found = keys_.find(key_of(abort));
    if (found == keys_.end()) return;
    Known& known = found->second;
    // Nothing stands between the parts on their channel. (One message more where the abort has no
    // number of its own, which is harmless.)
    const auto last = abort.channel_sequence;
    remove(known, {last - std::min<std::uint64_t>(last - 1, abort.part->index), last});
}

void Seen::forget_moved(const wire::BatchHeader& header) {
    const auto found = keys_.find(key_of(header));
    if (found == keys_.end()) return;
    const auto first = header.channel_sequence;
    remove(found->second, {first, first + header.message_count - 1});
}

void Seen::remove(Known& known, Range gone) {
    std::vector<Range> kept;
    for (const Range& range : known.ranges) {
        if (range.first < gone.first)
            kept.push_back({range.first, std::min(range.last, gone.first - 1)});
        if (range.last > gone.last)
            kept.push_back({std::max(range.first, gone.last + 1), range.last});
    }
    known.ranges.swap(kept);
    known.forgotten_top = std::max(known.forgotten_top, gone.last);
}

void Seen::insert(Known& known, Range range) {
    auto& ranges = known.ranges;
    if (!ranges.empty() && ranges.back().last + 1 == range.first) {  // the common case
        ranges.back().last = range.last;
        return;
    }
    auto at = std::lower_bound(ranges.begin(), ranges.end(), range.first,
                               [](const Range& r, std::uint64_t n) { return r.last + 1 < n; });
    while (at != ranges.end() && at->first <= range.last + 1) {
        range.first = std::min(range.first, at->first);
        range.last = std::max(range.last, at->last);
        at = ranges.erase(at);
    }
    ranges.insert(at, range);
    if (ranges.size() > limits::seen_ranges_max) {
        known.forgotten_top = std::max(known.forgotten_top, ranges.front().last);
        ranges.erase(ranges.begin());
    }
}

}  // namespace bus::core
