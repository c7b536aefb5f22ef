// Which of the messages 0, 1, 2 ... have come, and how often: what was lost,
// what came twice. Arrival in order costs a comparison or two, behind a gap as
// well, and memory is held only for what came ahead of a gap.
#pragma once

#include <cstdint>
#include <map>

namespace bus::bench {

class Tally {
  public:
    Tally() = default;
    Tally(Tally&&) = default;
    // False: it had come before.
    bool count(std::uint64_t index) {
        if (index == next_ && ahead_.empty()) {
            ++next_;
            return true;
        }
        if (index != last_end_ || index >= last_limit_) return count_out_of_order(index);
        last_->second = ++last_end_;
        ++ahead_count_;
        return true;
    }

    std::uint64_t distinct() const noexcept { return next_ + ahead_count_; }
    std::uint64_t duplicates() const noexcept { return duplicates_; }

  private:
    bool count_out_of_order(std::uint64_t index);
    void join_ahead(std::uint64_t index);
    void remember(std::uint64_t index);

    using Ranges = std::map<std::uint64_t, std::uint64_t>;

    std::uint64_t next_ = 0;  // all below have come
    std::uint64_t ahead_count_ = 0, duplicates_ = 0;
    Ranges ahead_;  // [first, end), beyond next_, never touching
    // The one that grew last: its end, and from where on it would touch the one behind it. 0: none.
    Ranges::iterator last_;
    std::uint64_t last_end_ = 0, last_limit_ = 0;
};

}  // namespace bus::bench
