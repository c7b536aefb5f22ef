#include "bench/tally.h"

#include <iterator>

namespace bus::bench {

bool Tally::count_out_of_order(std::uint64_t index) {
    const auto after = ahead_.upper_bound(index);
    const bool in_range = after != ahead_.begin() && index < std::prev(after)->second;
    if (index < next_ || in_range) {
        ++duplicates_;
        return false;
    }
    ++ahead_count_;
    join_ahead(index);
    if (const auto first = ahead_.begin(); first->first == next_) {
        ahead_count_ -= first->second - first->first;
        next_ = first->second;
        ahead_.erase(first);
    }
    return true;
}

void Tally::join_ahead(std::uint64_t index) {
    auto after = ahead_.upper_bound(index);
    std::uint64_t end = index + 1;
    if (after != ahead_.end() && after->first == end) {
        end = after->second;
        after = ahead_.erase(after);
    }
    if (after != ahead_.begin() && std::prev(after)->second == index)
        std::prev(after)->second = end;
    else
        ahead_.emplace(index, end);
}

}  // namespace bus::bench
