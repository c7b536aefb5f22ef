// How long: the poll's timeout, the pause before the next attempt.
#include <doctest/doctest.h>

#include "io/backoff.h"
#include "io/link_dialler.h"
#include "io/poll_set.h"

namespace bus::io {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a deadline becomes milliseconds, rounded up so that the loop does not spin") {
    const Time now{100s};
    CHECK(poll_timeout_millis(now, now) == 0);
    CHECK(poll_timeout_millis(now, now - 5s) == 0);
    CHECK(poll_timeout_millis(now, now + 1ns) == 1);
    CHECK(poll_timeout_millis(now, now + 1500us) == 2);
    CHECK(poll_timeout_millis(now, now + 3s) == 3000);
    CHECK(poll_timeout_millis(now, now + 100h) == 3'600'000);
    CHECK(poll_timeout_millis(now, never) == -1);
}

TEST_CASE("the pause doubles up to its limit and is half random") {
    Backoff least{250ms, 1s}, most{250ms, 1s};
    const Duration steps[] = {250ms, 500ms, 1000ms, 1000ms};
    for (const Duration step : steps) {
        CHECK(least.next(0) == step / 2);
        const auto half = static_cast<std::uint64_t>(step.count()) / 2;
        CHECK(most.next(half) == step);
    }
}

TEST_CASE("success starts the pauses anew") {
    Backoff backoff{250ms, 10s};
    for (int i = 0; i < 20; ++i) CHECK(backoff.next(~std::uint64_t{0}) <= 10s);
    backoff.reset();
    CHECK(backoff.next(0) == 125ms);
}

TEST_CASE("a pause is told in seconds") {
    CHECK(seconds_text(1234ms) == "1.2 s");
    CHECK(seconds_text(125ms) == "0.1 s");
}

}  // namespace
}  // namespace bus::io
