#include <doctest/doctest.h>

#include "screen.h"

using bus::cli::screenful;

TEST_CASE("a terminal's lines are replaced in place, and what is left below goes") {
    CHECK(screenful("one\ntwo\n", 24) == "\033[Hone\033[K\ntwo\033[K\n\033[J");
}

TEST_CASE("what has no room is counted") {
    CHECK(screenful("1\n2\n3\n4\n5\n", 4) ==
          "\033[H1\033[K\n2\033[K\n(3 more lines)\033[K\n\033[J");
    CHECK(screenful("1\n2\n3\n", 4) == "\033[H1\033[K\n2\033[K\n3\033[K\n\033[J");
    CHECK(screenful("1\n2\n", 1) == "\033[H(2 more lines)\033[K\n\033[J");
}

TEST_CASE("elsewhere one follows the other") { CHECK(screenful("one\n", 0) == "one\n\n"); }
