// How much a peer may have on its way to us: about a second's worth of what
// the line carries, found by doubling while a window fills fast and halving
// when it fills slowly. On a slow line live traffic then never waits behind
// minutes of backlog.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "limits.h"

namespace bus::core {

class WindowControl {
  public:
    // `share`: the most that one link may have of what all may.
    std::uint64_t bytes(std::uint64_t share) const {
        return std::max(limits::link_window_min, std::min(window_, share));
    }
    void on_received(std::uint64_t bytes, Time now) {
        if (received_ == 0) since_ = now;
        received_ += bytes;
        if (received_ < window_) return;
        const auto took = now - since_;
        if (took < std::chrono::milliseconds{500}) window_ *= 2;
        if (took > std::chrono::seconds{2}) window_ /= 2;
        window_ = std::clamp(window_, limits::link_window_min, limits::link_window_max);
        received_ = 0;
    }

  private:
    std::uint64_t window_ = 4 * limits::link_window_min;
    std::uint64_t received_ = 0;
    Time since_{};
};

}  // namespace bus::core
