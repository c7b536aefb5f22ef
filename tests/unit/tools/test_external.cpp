#include <doctest/doctest.h>

#include "external.h"

using bus::cli::similar;

TEST_CASE("a mistyped subcommand is recognised, another word is not") {
    const std::vector<std::string> all{"publish", "subscribe", "send", "receive", "status"};
    CHECK(similar("publsh", all) == "publish");
    CHECK(similar("recieve", all) == "receive");
    CHECK(similar("stats", all) == "status");
    CHECK_FALSE(similar("frobnicate", all));
    CHECK_FALSE(similar("send", {}));
}
