#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/z85.h"

using bus::z85_bytes;
using bus::z85_text;

TEST_CASE("the test case of RFC 32 holds in both directions") {
    const std::vector<std::byte> bytes{std::byte{0x86}, std::byte{0x4F}, std::byte{0xD2},
                                       std::byte{0x6F}, std::byte{0xB5}, std::byte{0x59},
                                       std::byte{0xF7}, std::byte{0x5B}};
    CHECK(z85_text(bytes) == "HelloWorld");
    CHECK(z85_bytes("HelloWorld") == bytes);
}

TEST_CASE("any 32 bytes come back from their 40 characters") {
    for (int round = 0; round < 100; ++round) {
        std::vector<std::byte> key(32);
        bus::random_bytes(key);
        const auto text = z85_text(key);
        CHECK(text.size() == bus::curve_key_characters);
        CHECK(z85_bytes(text) == key);
    }
}

TEST_CASE("the extremes are zeros and the largest group") {
    CHECK(z85_text(std::vector<std::byte>(4)) == "00000");
    CHECK(z85_text(std::vector<std::byte>(4, std::byte{0xFF})) == "%nSc0");
    CHECK(z85_bytes("%nSc0") == std::vector<std::byte>(4, std::byte{0xFF}));
    CHECK(z85_bytes("") == std::vector<std::byte>{});
}

TEST_CASE("what is no Z85 is refused") {
    CHECK_FALSE(z85_bytes("Hello Worl"));  // a blank
    CHECK_FALSE(z85_bytes("HelloWorl"));   // nine characters
    CHECK_FALSE(z85_bytes("%nSc1"));       // one beyond 32 bits
    CHECK_FALSE(z85_bytes("#####"));
    CHECK_FALSE(z85_bytes("Hell\"World"));  // a quote is not in the alphabet
}
