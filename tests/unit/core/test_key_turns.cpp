// Whose turn it is among messages of one key.
#include <doctest/doctest.h>

#include "core/key_turns.h"

using namespace bus::core;

namespace {
KeyTurns::Place at(std::uint64_t batch, std::uint32_t message = 0) {
    return {BatchId{batch}, message};
}
}  // namespace

TEST_CASE("one of each key is out, and the next in order follows when it is decided") {
    KeyTurns turns;
    CHECK(turns.enter(7, at(1)));
    CHECK(!turns.enter(7, at(3)));
    CHECK(!turns.enter(7, at(2)));
    CHECK(turns.enter(8, at(4)));
    CHECK(turns.waiting() == 2);
    CHECK(turns.key_of(at(1)) == 7);
    CHECK(turns.key_of(at(2)) == 0);
    CHECK(!turns.leave(at(2)).has_value());  // not its turn
    const auto next = turns.leave(at(1));
    REQUIRE(next.has_value());
    CHECK(next->place == at(2));
    CHECK(next->key == 7);
    CHECK(!turns.leave(at(4)).has_value());
    CHECK(turns.leave(at(2))->place == at(3));
    CHECK(!turns.leave(at(3)).has_value());
    CHECK(turns.empty());
}

TEST_CASE("a batch that is lost leaves all lines that it stood in") {
    KeyTurns turns;
    CHECK(turns.enter(7, at(1, 0)));
    CHECK(!turns.enter(7, at(1, 1)));
    CHECK(!turns.enter(7, at(2, 0)));
    CHECK(turns.enter(8, at(2, 1)));
    CHECK(!turns.enter(8, at(1, 2)));
    const auto next = turns.leave_all(BatchId{1});
    REQUIRE(next.size() == 1);
    CHECK(next[0].place == at(2, 0));
    CHECK(turns.waiting() == 0);
    CHECK(!turns.leave(at(2, 0)).has_value());
    CHECK(!turns.leave(at(2, 1)).has_value());
    CHECK(turns.empty());
}
