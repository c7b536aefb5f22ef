#include "base/base64.h"

#include <doctest/doctest.h>

using bus::base64;
using namespace std::string_view_literals;

TEST_CASE("base64 as in RFC 4648") {
    CHECK(base64("") == "");
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("foob") == "Zm9vYg==");
    CHECK(base64("\xff\xfe\xfd"sv) == "//79");
}
