// Which of the messages 0, 1, 2 ... have come, and how often: what was lost,
// what came twice. Arrival in order costs one comparison, and memory is held
// only for what came ahead of a gap.
#pragma once

#include <cstdint>
#include <map>

namespace bus::bench {

class Tally {
  public:
    // False: it had come before.
    bool count(std::uint64_t index) {
        if (index != next_ || !ahead_.empty()) return count_out_of_order(index);
        ++next_;
        return true;
    }

    std::uint64_t distinct() const noexcept { return next_ + ahead_count_; }
    std::uint64_t duplicates() const noexcept { return duplicates_; }

  private:
    bool count_out_of_order(std::uint64_t index);
    void join_ahead(std::uint64_t index);

    std::uint64_t next_ = 0;  // all below have come
    std::uint64_t ahead_count_ = 0, duplicates_ = 0;
    std::map<std::uint64_t, std::uint64_t> ahead_;  // [first, end), beyond next_, never touching
};

}  // namespace bus::bench
