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

TEST_CASE("what was made of bytes is made of them again") {
    for (const std::string bytes : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
        CHECK(bus::from_base64(bus::base64(bytes)) == bytes);
    std::string all;
    for (int code = 0; code < 256; ++code) all += static_cast<char>(code);
    CHECK(bus::from_base64(bus::base64(all)) == all);
}

TEST_CASE("what is no base64 is not guessed at") {
    for (const char* text : {"Zg=", "Zg", "Z===", "====", "Zm9v!mFy", "Zg==Zg=="})
        CHECK_FALSE(bus::from_base64(text).has_value());
}
