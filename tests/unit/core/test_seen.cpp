#include <doctest/doctest.h>

#include "batches.h"
#include "core/seen.h"

using namespace bus;
using namespace bus::core;
using test::make_batch;
using Answer = Seen::Answer;

TEST_CASE("what was taken is known, what was not is in doubt") {
    Seen seen;
    CHECK(seen.look(make_batch({.sequence = 1, .messages = 10}).header(), false) ==
          Answer::unknown);
    seen.take(make_batch({.sequence = 1, .messages = 10}).header(), {});
    CHECK(seen.look(make_batch({.sequence = 1, .messages = 10}).header(), false) == Answer::taken);
    CHECK(seen.look(make_batch({.sequence = 4, .messages = 2}).header(), false) == Answer::taken);
    CHECK(seen.look(make_batch({.sequence = 8, .messages = 5}).header(), false) == Answer::unknown);
}

TEST_CASE("above an unflagged message all is fresh, except for what was rerouted") {
    Seen seen;
    seen.take(make_batch({.sequence = 1, .messages = 10}).header(), {});
    const auto next = make_batch({.sequence = 11, .messages = 3});
    CHECK(seen.look(next.header(), false) == Answer::fresh);
    CHECK(seen.look(next.header(), true) == Answer::unknown);
}

TEST_CASE("a flagged message proves nothing about what is above it") {
    Seen seen;
    seen.take(make_batch({.sequence = 1, .messages = 10}).header(), {.flagged = true});
    CHECK(seen.look(make_batch({.sequence = 11}).header(), false) == Answer::unknown);
}

TEST_CASE("what a relay brought proves nothing about what is above it") {
    Seen seen;
    seen.take(make_batch({.sequence = 1, .messages = 10}).header(), {.relayed = true});
    CHECK(seen.look(make_batch({.sequence = 11}).header(), false) == Answer::unknown);
    seen.take(make_batch({.sequence = 11}).header(), {});
    CHECK(seen.look(make_batch({.sequence = 12}).header(), false) == Answer::fresh);
}

TEST_CASE("what an abort ends may come again: it is neither taken nor new") {
    Seen seen;
    seen.take(make_batch({.sequence = 1, .messages = 10}).header(), {});
    const auto part = [](std::uint64_t sequence, std::uint32_t index) {
        auto header = make_batch({.sequence = sequence}).header();
        header.part = wire::Part{11, index, 5, 100};
        return header;
    };
    for (std::uint32_t i = 0; i < 3; ++i) seen.take(part(11 + i, i), {});
    seen.forget(part(13, 3));
    CHECK(seen.look(part(11, 0), false) == Seen::Answer::unknown);
    CHECK(seen.look(part(13, 2), false) == Seen::Answer::unknown);
    CHECK(seen.look(make_batch({.sequence = 5}).header(), false) == Seen::Answer::taken);
    CHECK(seen.look(make_batch({.sequence = 14}).header(), false) == Seen::Answer::fresh);
}

TEST_CASE("producers, channels, lanes and kinds are apart") {
    Seen seen;
    seen.take(make_batch({.sequence = 1}).header(), {});
    CHECK(seen.look(make_batch({.producer = {{2, 2}}}).header(), false) == Answer::unknown);
    CHECK(seen.look(make_batch({.channel = "other"}).header(), false) == Answer::unknown);
    CHECK(seen.look(make_batch({.lane = wire::Lane::low}).header(), false) == Answer::unknown);
    CHECK(seen.look(make_batch({.kind = wire::Kind::queue}).header(), false) == Answer::unknown);
}

TEST_CASE("of scattered ranges the oldest is forgotten, and then in doubt") {
    Seen seen;
    for (std::uint64_t i = 0; i <= limits::seen_ranges_max; ++i)
        seen.take(make_batch({.sequence = 10 + i * 10}).header(), {.flagged = true});
    CHECK(seen.look(make_batch({.sequence = 10}).header(), false) == Answer::unknown);
    CHECK(seen.look(make_batch({.sequence = 20}).header(), false) == Answer::taken);
}

TEST_CASE("of many keys the least used is forgotten") {
    Seen seen{2};
    seen.take(make_batch({.channel = "a"}).header(), {});
    seen.take(make_batch({.channel = "b"}).header(), {});
    seen.take(make_batch({.channel = "a", .sequence = 2}).header(), {});
    seen.take(make_batch({.channel = "c"}).header(), {});
    CHECK(seen.keys() == 2);
    CHECK(seen.look(make_batch({.channel = "a"}).header(), false) == Answer::taken);
    CHECK(seen.look(make_batch({.channel = "b"}).header(), false) == Answer::unknown);
}
