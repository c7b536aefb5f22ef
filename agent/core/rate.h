// A limit on bytes, or on whatever else is counted, per second, as a bucket that
// may be overdrawn by one frame: so the limit holds on average whatever the size
// of the frames.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "limits.h"

namespace bus::core {

class Rate {
  public:
    Rate() = default;
    // 0: no limit.
    explicit Rate(std::uint64_t per_second) : per_second_(per_second) {}
    void set(std::uint64_t bytes_per_second) { per_second_ = bytes_per_second; }
    bool limited() const { return per_second_ > 0; }
    bool free(Time now) const { return !limited() || free_at_ <= now; }
    Time free_at() const { return free_at_; }
    // What was not used is good for a burst of limits::rate_burst.
    void spend(std::uint64_t bytes, Time now) {
        if (!limited()) return;
        const std::chrono::duration<double> cost{double(bytes) / double(per_second_)};
        free_at_ = std::max(free_at_, now - limits::rate_burst) +
                   std::chrono::duration_cast<Duration>(cost);
    }

  private:
    std::uint64_t per_second_ = 0;
    Time free_at_{};
};

}  // namespace bus::core
