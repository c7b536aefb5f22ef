#include "base/pool.h"

#include <doctest/doctest.h>

#include <string>

TEST_CASE("elements of a pool keep their numbers, and what was given back is taken again") {
    bus::Pool<std::string> pool;
    const auto first = pool.take("first");
    const auto second = pool.take("second");
    CHECK(first != second);
    pool.give_back(first);
    CHECK(pool.used() == 1);
    CHECK(pool[first].empty());
    CHECK(pool.take("third") == first);
    CHECK(pool[first] == "third");
    CHECK(pool[second] == "second");
    CHECK(pool.used() == 2);
    CHECK(pool.size() == 2);
}
