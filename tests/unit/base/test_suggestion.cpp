#include <doctest/doctest.h>

#include <vector>

#include "base/suggestion.h"

namespace {
std::string suggested(std::string_view written) {
    static const std::vector<std::string_view> known{"name", "journal", "listen", "peers",
                                                     "max_bytes"};
    return bus::did_you_mean(written, known);
}
}  // namespace

TEST_CASE("a slip of the finger is recognised") {
    CHECK(suggested("jounal") == "; did you mean \"journal\"?");
    CHECK(suggested("journla") == "; did you mean \"journal\"?");
    CHECK(suggested("journall") == "; did you mean \"journal\"?");
    CHECK(suggested("maxbytes") == "; did you mean \"max_bytes\"?");
    CHECK(suggested("peer") == "; did you mean \"peers\"?");
    CHECK(suggested("nmae") == "; did you mean \"name\"?");
}

TEST_CASE("nothing is suggested for what resembles nothing") {
    CHECK(suggested("heartbeat").empty());
    CHECK(suggested("").empty());
    CHECK(suggested(std::string(10'000, 'x')).empty());
    CHECK(bus::did_you_mean("name", {}).empty());
}
