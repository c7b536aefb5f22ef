// How long a destination lately took to settle: smoothed, plus four
// deviations (as TCP reckons its timeout). It gives a batch its grace.
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"
#include "limits.h"

namespace bus::core {

class SettleTime {
  public:
    void sample(Duration took) {
        if (!known_) {
            smoothed_ = took;
            deviation_ = took / 2;
            known_ = true;
            return;
        }
        const auto error = took - smoothed_;
        smoothed_ += error / 8;
        deviation_ += ((error < Duration{} ? -error : error) - deviation_) / 4;
    }

    // nullopt: it takes longer than a commit; do not wait for it. Unknown yet: the longest grace.
    std::optional<Duration> grace() const {
        if (!known_) return Duration{limits::grace_max};
        if (smoothed_ > Duration{limits::grace_max}) return std::nullopt;
        return std::clamp(smoothed_ + 4 * deviation_, Duration{limits::grace_min},
                          Duration{limits::grace_max});
    }

  private:
    Duration smoothed_{}, deviation_{};
    bool known_ = false;
};

}  // namespace bus::core
