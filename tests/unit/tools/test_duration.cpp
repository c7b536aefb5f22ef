#include <doctest/doctest.h>

#include "duration.h"

using namespace bus::cli;
using namespace std::chrono_literals;

TEST_CASE("a time is a number and its unit, seconds where there is none") {
    CHECK(read_duration("500ms") == 500ms);
    CHECK(read_duration("30s") == 30s);
    CHECK(read_duration("30") == 30s);
    CHECK(read_duration("5m") == 5min);
    CHECK(read_duration("12h") == 12h);
    CHECK(read_duration("7d") == 7 * 24h);
    CHECK(read_duration("1.5h") == 90min);
    CHECK(read_duration("0.0001s") == 1ms);  // rounded up: a lifetime of nothing would be for ever
    CHECK(read_duration("0s") == 0ms);
}

TEST_CASE("what is no time is not taken for one") {
    for (const char* text : {"", "s", "soon", "-1s", "1 s", "1y", "30sec", "1e3s", "nan", "inf",
                             "99999999999999999999d", "1s1s"})
        CHECK_MESSAGE(!read_duration(text), text);
}

TEST_CASE("a time is told in its largest whole unit") {
    CHECK(text_of(90s) == "90s");
    CHECK(text_of(60min) == "1h");
    CHECK(text_of(1ms) == "1ms");
    CHECK(text_of(0ms) == "0s");
    CHECK(text_of(366 * 24h) == "366d");
}
