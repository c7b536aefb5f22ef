// What was with a consumer whose session broke off may be what broke it. So it
// is handed out again with caution: one message at first, twice as many with
// each that is decided, and after each second in which none is (a consumer may
// acknowledge many at once). Who dies again had few of them, and what kills
// every consumer is soon known and a dead letter, not a circle for ever.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "limits.h"

namespace bus::core {

class Caution {
  public:
    // So many more suspects may be out now.
    std::uint32_t room(Time now) {
        while (out_ > 0 && grows_at_ <= now) grow(grows_at_);
        return window_ - std::min(out_, window_);
    }
    // When there will be more room, if none is decided until then.
    Time grows_at() const { return grows_at_; }
    void take(std::uint32_t count, Time now) {
        if (out_ == 0) grows_at_ = now + limits::caution_step;
        out_ += count;
    }
    void decide(std::uint32_t count, Time now) {
        out_ -= std::min(count, out_);
        grow(now);
    }

  private:
    void grow(Time at) {
        window_ = std::min(window_ * 2, limits::prefetch_messages_max);
        grows_at_ = at + limits::caution_step;
    }
    std::uint32_t window_ = 1, out_ = 0;
    Time grows_at_{};
};

}  // namespace bus::core
