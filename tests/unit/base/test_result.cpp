#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "base/result.h"

using bus::Expected;
using bus::Unexpected;

namespace {
Expected<std::string, int> word(bool good) {
    if (!good) return Unexpected{7};
    return std::string{"good"};
}
}  // namespace

TEST_CASE("a result holds the value or the reason, never both") {
    const auto good = word(true);
    REQUIRE(good);
    CHECK(*good == "good");
    CHECK(good->size() == 4);
    const auto bad = word(false);
    CHECK_FALSE(bad.has_value());
    CHECK(bad.error() == 7);
}

TEST_CASE("a value that can only be moved moves out") {
    Expected<std::unique_ptr<int>, int> result{std::make_unique<int>(3)};
    const auto taken = std::move(result).value();
    CHECK(*taken == 3);
}

TEST_CASE("value and error of the same type are told apart") {
    const Expected<int, int> value{1};
    const Expected<int, int> error{Unexpected{1}};
    CHECK(value.has_value());
    CHECK_FALSE(error.has_value());
}
