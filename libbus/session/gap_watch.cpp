#include "session/gap_watch.h"

#include <algorithm>
#include <utility>

#include "session/bounds.h"

namespace bus::session {

GapWatch::Key GapWatch::key_of(const wire::BatchHeader& batch) {
    return {batch.producer, wire::channel_hash(batch.kind, batch.channel) * wire::lane_count +
                                static_cast<std::uint64_t>(batch.lane)};
}

GapWatch::Passed GapWatch::pass(const wire::BatchHeader& batch, std::uint64_t channel_sequence,
                                std::uint32_t count) {
    const Key key = key_of(batch);
    const std::uint64_t next = channel_sequence + count;
    const auto mode = static_cast<std::size_t>(batch.mode);
    const auto found = watched_.find(key);
    if (found == watched_.end()) {
        begin(key, next).next_of[mode] = next;
        return {};
    }
    Watched& watched = found->second;
    if (watched.place != recent_.begin()) recent_.splice(recent_.begin(), recent_, watched.place);
    const auto lost = std::exchange(watched.lost, 0);
    const auto skipped =
        channel_sequence > watched.next ? channel_sequence - watched.next : std::uint64_t{0};
    watched.next = std::max(watched.next, next);
    // Best effort may overtake what has to wait for room.
    const bool late = channel_sequence < watched.next_of[mode];
    watched.next_of[mode] = std::max(watched.next_of[mode], next);
    return {lost + skipped, late};
}

GapWatch::Watched& GapWatch::begin(const Key& key, std::uint64_t next) {
    if (watched_.size() >= limits::watched_keys_max) {
        watched_.erase(recent_.back());
        recent_.pop_back();
    }
    recent_.push_front(key);
    return watched_.emplace(key, Watched{.next = next, .lost = 0, .place = recent_.begin()})
        .first->second;
}

bool GapWatch::has_passed(const wire::BatchHeader& batch, std::uint64_t channel_sequence) const {
    const auto found = watched_.find(key_of(batch));
    return found != watched_.end() && channel_sequence < found->second.next;
}

void GapWatch::take_back_to(const wire::BatchHeader& batch, std::uint64_t channel_sequence) {
    const auto found = watched_.find(key_of(batch));
    if (found == watched_.end()) return;
    Watched& watched = found->second;
    watched.next = std::min(watched.next, channel_sequence);
    auto& next = watched.next_of[static_cast<std::size_t>(batch.mode)];
    next = std::min(next, channel_sequence);
}

void GapWatch::lose(const wire::BatchHeader& batch, std::uint64_t count) {
    const auto found = watched_.find(key_of(batch));
    if (found != watched_.end()) found->second.lost += count;
}

}  // namespace bus::session
