// How long to wait before the next attempt: a random part of a step that
// doubles each time ("full jitter"), so that a thousand hosts that lost the
// same hub in one instant do not come back in one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace bus::io {

class Backoff {
  public:
    Backoff(Duration first, Duration longest) : first_(first), longest_(longest), next_(first) {}

    // Between nothing and the current step, chosen by `random`.
    Duration next(std::uint64_t random) {
        const auto step = static_cast<std::uint64_t>(next_.count());
        next_ = std::min(next_ * 2, longest_);
        return Duration{static_cast<Duration::rep>(random % (step + 1))};
    }
    void reset() { next_ = first_; }

  private:
    const Duration first_, longest_;
    Duration next_;
};

}  // namespace bus::io
