#include <bus/error.h>
#include <doctest/doctest.h>

#include "bench/dialogue.h"

using namespace bus::bench;

TEST_CASE("what bench and roles say to each other arrives as it was meant") {
    const Run run = run_from(to_line(Run{.seconds = 1.5, .rate = 2000, .messages = 7}));
    CHECK(run.seconds == 1.5);
    CHECK(run.rate == 2000);
    CHECK(run.messages == 7);

    const Sent sent = sent_from(to_line(Sent{.messages = 1,
                                             .total = 2,
                                             .not_safe = 3,
                                             .first_nanos = 4,
                                             .last_nanos = 5,
                                             .safe_nanos = 6}));
    CHECK(sent.total == 2);
    CHECK(sent.not_safe == 3);
    CHECK(sent.safe_nanos == 6);

    const Expect expect = expect_from(to_line(Expect{.total = 9, .patience_seconds = 10}));
    CHECK(expect.total == 9);
    CHECK(expect.patience_seconds == 10);
}

TEST_CASE("latencies come along with what was received, also none") {
    Received received{.distinct = 1, .duplicates = 2, .duplicates_unmarked = 1, .last_nanos = 3};
    CHECK(received_from(to_line(received)).latency.samples() == 0);
    received.latency.record(1000);
    const Received back = received_from(to_line(received));
    CHECK(back.duplicates == 2);
    CHECK(back.duplicates_unmarked == 1);
    CHECK(back.latency.samples() == 1);
}

TEST_CASE("a line that is none is an error") {
    CHECK_THROWS_AS((void)run_from(""), bus::Error);
    CHECK_THROWS_AS((void)sent_from("1 2 three"), bus::Error);
}
