#include <doctest/doctest.h>

#include "figures.h"

using namespace bus::cli;

TEST_CASE("large numbers are grouped by thousands") {
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1000) == "1,000");
    CHECK(grouped(1234567) == "1,234,567");
}

TEST_CASE("what is counted stands in the plural unless it is one") {
    CHECK(counted(0, "app") == "0 apps");
    CHECK(counted(1, "app") == "1 app");
    CHECK(counted(1234, "app") == "1,234 apps");
}

TEST_CASE("bytes are told in the largest unit that fits") {
    CHECK(in_bytes(1023) == "1023 B");
    CHECK(in_bytes(1536) == "1.5 KiB");
    CHECK(in_bytes(20ull << 30) == "20.0 GiB");
    CHECK(in_bytes(5ull << 50) == "5120.0 TiB");
}

TEST_CASE("spans of time are told in words of their size") {
    CHECK(in_millis(250) == "250 ms");
    CHECK(in_millis(1234) == "1.2 s");
    CHECK(in_millis(3 * 60'000) == "3 min");
    CHECK(in_millis(5 * 3'600'000) == "5 h");
    CHECK(in_millis(3ull * 86'400'000) == "3 days");
}

TEST_CASE("figures keep the digits that matter") {
    CHECK(significant(0.0012345) == "0.00123");
    CHECK(significant(1.2345) == "1.23");
    CHECK(significant(12345.6) == "12,346");
}
