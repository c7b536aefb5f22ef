#include "bench/pace.h"

#include <sys/prctl.h>
#include <time.h>

#include <cerrno>
#include <limits>

namespace bus::bench {
namespace {

// An unpaced run of tiny messages looks at the clock only once in so many.
constexpr std::uint64_t turns_per_look = 64;
constexpr double fast = 10'000;  // messages/s
constexpr std::int64_t wake_up_nanos = 50'000;

void sleep_until(std::int64_t nanos) {
    const timespec at{.tv_sec = nanos / 1'000'000'000, .tv_nsec = nanos % 1'000'000'000};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
    }
}

}  // namespace

Pace::Pace(const Run& run)
    : run_(run),
      start_(now_nanos()),
      end_(run.seconds > 0 ? start_ + static_cast<std::int64_t>(run.seconds * 1e9)
                           : std::numeric_limits<std::int64_t>::max()) {
    // The kernel's usual 50 us of slack would be charged to the path.
    ::prctl(PR_SET_TIMERSLACK, 1);
}

bool Pace::wait(std::uint64_t step) {
    if (run_.messages > 0 && messages_ >= run_.messages) return false;
    if (run_.rate > 0) {
        intended_ =
            start_ + static_cast<std::int64_t>(static_cast<double>(messages_) * 1e9 / run_.rate);
        if (intended_ >= end_) return false;
        // What is due within what a wake-up takes leaves now: a fast run does not sleep for each.
        if (intended_ > now_nanos() + (run_.rate > fast ? wake_up_nanos : 0))
            sleep_until(intended_);
    } else if (++turns_ % turns_per_look == 0 && now_nanos() >= end_) {
        return false;
    }
    messages_ += step;
    return true;
}

}  // namespace bus::bench
