#include <doctest/doctest.h>

#include "base/bytes.h"
#include "base/id.h"

using bus::as_bytes;
using bus::Bytes;
using bus::Reader;
using bus::Writer;

TEST_CASE("what a writer wrote, a reader reads back and nothing is left") {
    std::vector<std::byte> bytes;
    Writer out{bytes};
    const bus::AgentId id{{1, 0xFFFFFFFFFFFFFFFF}};
    out.u8(200);
    out.u16(60'000);
    out.u32(4'000'000'000);
    out.u64(1ull << 63);
    out.id(id);
    out.text8("short");
    out.text16("longer");
    out.bytes(as_bytes("raw"));

    Reader in{bytes};
    CHECK(in.u8() == 200);
    CHECK(in.u16() == 60'000);
    CHECK(in.u32() == 4'000'000'000);
    CHECK(in.u64() == 1ull << 63);
    CHECK(in.id<bus::AgentId>() == id);
    CHECK(in.text8() == "short");
    CHECK(in.text16() == "longer");
    CHECK_FALSE(in.exhausted());
    CHECK(bus::as_text(in.bytes(3)) == "raw");
    CHECK(in.exhausted());
}

TEST_CASE("numbers are little-endian on the wire") {
    std::vector<std::byte> bytes;
    Writer{bytes}.u32(0x01020304);
    CHECK(bytes == std::vector{std::byte{4}, std::byte{3}, std::byte{2}, std::byte{1}});
}

TEST_CASE("a reader past its end yields zeros and remembers it") {
    const std::vector<std::byte> three(3, std::byte{0xFF});
    Reader in{three};
    CHECK(in.u32() == 0);
    CHECK_FALSE(in.ok());
    CHECK(in.left() == 0);
    CHECK(in.u8() == 0);
    CHECK(in.text8().empty());
    CHECK_FALSE(in.exhausted());
}

TEST_CASE("a text whose length lies is missing, not shortened") {
    std::vector<std::byte> bytes;
    Writer out{bytes};
    out.u8(10);
    out.bytes(as_bytes("nine char"));
    Reader in{bytes};
    CHECK(in.text8().empty());
    CHECK_FALSE(in.ok());
}

TEST_CASE("an empty span reads as exhausted") {
    const Reader in{Bytes{}};
    CHECK(in.ok());
    CHECK(in.exhausted());
}
