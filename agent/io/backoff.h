// How long to wait before the next attempt: doubled each time, and of that a
// random part, so that a thousand hosts do not come back in one instant.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace bus::io {

class Backoff {
  public:
    Backoff(Duration first, Duration longest) : first_(first), longest_(longest), next_(first) {}

    // Between half of the current step and all of it, chosen by `random`.
    Duration next(std::uint64_t random) {
        const Duration step = next_;
        next_ = std::min(next_ * 2, longest_);
        const auto half = static_cast<std::uint64_t>(step.count()) / 2;
        return Duration{static_cast<Duration::rep>(half + random % (half + 1))};
    }
    void reset() { next_ = first_; }

  private:
    const Duration first_, longest_;
    Duration next_;
};

}  // namespace bus::io
