// What a durable subscription has collected beyond its share goes, the oldest
// first: from the fronts of its lanes, and for that it is read back.

#include "core/group.h"

namespace bus::core {

// Of those whose front may go: a large message that a consumer has a part of stays whole.
Run* Group::oldest_lane() {
    Run* oldest = nullptr;
    for (Run& lane : runs_) {
        if (lane.empty()) continue;
        const Entry* const front = lane.front();
        if (front != nullptr && large_.find(front->batch().header()) != nullptr) continue;
        if (oldest == nullptr || lane.oldest() < oldest->oldest()) oldest = &lane;
    }
    return oldest;
}

std::vector<Entry> Group::take_lapsed(std::uint64_t memory_bytes_max,
                                      std::vector<ReadBack>& reads) {
    std::vector<Entry> lapsed;
    const Time before = keeper_.now() - quota.age;
    while (Run* const lane = oldest_lane()) {
        const Entry* const front = lane->front();
        const bool is_rest = front != nullptr && lapsed_.contains(front->batch().header());
        if (!is_rest && lane->oldest() >= before && queued_bytes() <= quota.bytes) break;
        if (front == nullptr) {
            if (const auto request = lane->read_on(memory_bytes_max)) reads.push_back(*request);
            break;
        }
        lapsed_.note_left(front->batch().header());
        lapsed.push_back(lane->pop());
    }
    return lapsed;
}

}  // namespace bus::core
