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
                                std::uint32_t count, std::uint32_t announced) {
    const Key key = key_of(batch);
    const std::uint64_t came = channel_sequence + count;
    const std::uint64_t next = channel_sequence + announced;
    const auto mode = static_cast<std::size_t>(batch.mode);
    const auto found = watched_.find(key);
    if (found == watched_.end()) {
        Watched& watched = begin(key);
        watched.next = next;
        watched.came_of[mode] = came;
        return {};
    }
    Watched& watched = found->second;
    if (watched.place != recent_.begin()) recent_.splice(recent_.begin(), recent_, watched.place);
    const auto lost = std::exchange(watched.lost, 0);
    const auto skipped =
        channel_sequence > watched.next ? channel_sequence - watched.next : std::uint64_t{0};
    watched.next = std::max(watched.next, next);
    // Best effort may overtake what has to wait for room.
    const bool late = channel_sequence < watched.came_of[mode];
    watched.came_of[mode] = std::max(watched.came_of[mode], came);
    return {lost + skipped, late};
}

GapWatch::Watched& GapWatch::begin(const Key& key) {
    if (watched_.size() >= limits::watched_keys_max) {
        watched_.erase(recent_.back());
        recent_.pop_back();
    }
    recent_.push_front(key);
    return watched_.emplace(key, Watched{.place = recent_.begin()}).first->second;
}

bool GapWatch::has_passed(const wire::BatchHeader& batch, std::uint64_t channel_sequence) const {
    const auto found = watched_.find(key_of(batch));
    return found != watched_.end() && channel_sequence < found->second.next;
}

void GapWatch::take_back_to(const wire::BatchHeader& batch, std::uint64_t channel_sequence) {
    const auto found = watched_.find(key_of(batch));
    if (found == watched_.end()) return;
    Watched& watched = found->second;
    const auto came = *std::max_element(watched.came_of.begin(), watched.came_of.end());
    watched.next = std::max(came, std::min(watched.next, channel_sequence));
}

void GapWatch::lose(const wire::BatchHeader& batch, std::uint64_t count) {
    const auto found = watched_.find(key_of(batch));
    if (found != watched_.end()) found->second.lost += count;
}

}  // namespace bus::session
