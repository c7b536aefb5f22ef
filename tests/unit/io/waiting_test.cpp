// How long: the poll's timeout, and how a pause is told.
#include <doctest/doctest.h>

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

TEST_CASE("a pause is told in seconds") {
    CHECK(seconds_text(1234ms) == "1.2 s");
    CHECK(seconds_text(125ms) == "0.1 s");
}

}  // namespace
}  // namespace bus::io
