// Points in time as the pure parts see them: an argument, never asked for.
// Time counts on CLOCK_BOOTTIME, so a suspended host's messages age too.
#pragma once

#include <chrono>
#include <cstdint>

namespace bus {

struct BootClock {  // a tag with the members chrono wants; reading it is base/clock.h's
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock, duration>;
    static constexpr bool is_steady = true;
};

using Time = BootClock::time_point;
using Duration = BootClock::duration;

inline constexpr Time never = Time::max();

}  // namespace bus
