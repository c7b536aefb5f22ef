#include <doctest/doctest.h>

#include "byte_size.h"

using bus::byte_size;
using bus::byte_size_text;

TEST_CASE("sizes are read in powers of 1024 and of 1000") {
    CHECK(byte_size("0B") == 0);
    CHECK(byte_size("12KiB") == 12 * 1024);
    CHECK(byte_size("12KB") == 12'000);
    CHECK(byte_size("12kB") == 12'000);
    CHECK(byte_size("20GiB") == 20ull << 30);
    CHECK(byte_size("1TiB") == 1ull << 40);
    CHECK(byte_size("2TB") == 2'000'000'000'000);
}

TEST_CASE("what is no size is refused rather than guessed") {
    for (const char* bad :
         {"", "GiB", "12", "-1B", "1.5GiB", "12 KiB", "12kib", "12KiB ", "12G", "0x10B"}) {
        CAPTURE(bad);
        CHECK_FALSE(byte_size(bad));
    }
}

TEST_CASE("a size beyond 64 bits is refused") {
    CHECK(byte_size("18446744073709551615B") == UINT64_MAX);
    CHECK_FALSE(byte_size("18446744073709551616B"));
    CHECK_FALSE(byte_size("16777216TiB"));
    CHECK(byte_size("16777215TiB"));
}

TEST_CASE("a size is written in its largest whole unit") {
    CHECK(byte_size_text(64ull << 20) == "64MiB");
    CHECK(byte_size_text(20ull << 30) == "20GiB");
    CHECK(byte_size_text(1536) == "1536B");
    CHECK(byte_size_text(0) == "0B");
}
