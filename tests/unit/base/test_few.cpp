#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "base/few.h"

using Names = bus::Few<std::string, 2>;

namespace {

std::string joined(const Names& names) {
    std::string all;
    for (const auto& name : names) all += name;
    return all;
}

}  // namespace

TEST_CASE("few or many, they stand in the order in which they came") {
    Names names;
    CHECK(names.empty());
    for (const char* const name : {"a", "b", "c", "d"}) {
        names.push_back(name);
        CHECK(names.back() == name);
        CHECK(names.front() == "a");
    }
    CHECK(names.size() == 4);
    CHECK(joined(names) == "abcd");
    names[2] = "x";
    CHECK(joined(names) == "abxd");
}

TEST_CASE("what was moved from is empty, and what was cleared holds nothing") {
    for (const Names& full : {Names{"a"}, Names{"a", "b", "c"}}) {
        Names first = full;
        Names second = std::move(first);
        CHECK(second == full);
        CHECK(first.empty());
        first = std::move(second);
        CHECK(first == full);
        CHECK(second.empty());
    }
    const auto shared = std::make_shared<int>(1);
    bus::Few<std::shared_ptr<int>, 1> holders{shared};
    CHECK(shared.use_count() == 2);
    holders.clear();
    CHECK(shared.use_count() == 1);
    CHECK(holders.empty());
}

TEST_CASE("they are equal if their elements are") {
    CHECK(Names{"a", "b"} == Names{"a", "b"});
    CHECK_FALSE(Names{"a", "b"} == Names{"a", "c"});
    CHECK_FALSE(Names{"a"} == Names{"a", "b", "c"});
}
