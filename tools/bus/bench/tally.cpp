#include "bench/tally.h"

#include <iterator>
#include <limits>

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
    remember(index);
    return true;
}

void Tally::remember(std::uint64_t index) {
    last_end_ = last_limit_ = 0;
    const auto after = ahead_.upper_bound(index);
    if (after == ahead_.begin()) return;  // all below next_ has come
    last_ = std::prev(after);
    last_end_ = last_->second;
    const bool is_last = after == ahead_.end();
    last_limit_ = is_last ? std::numeric_limits<std::uint64_t>::max() : after->first - 1;
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
