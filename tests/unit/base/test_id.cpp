#include <doctest/doctest.h>

#include <set>

#include "base/clock.h"
#include "base/id.h"

using bus::AgentId;

TEST_CASE("an id's text has the first word first, most significant digit first") {
    const AgentId id{{0x0123456789abcdef, 1}};
    CHECK(bus::to_text(id) == "0123456789abcdef0000000000000001");
    CHECK(bus::id_from_text<AgentId>(bus::to_text(id)) == id);
}

TEST_CASE("a text that is no id is refused") {
    CHECK_FALSE(bus::id_from_text<AgentId>(""));
    CHECK_FALSE(bus::id_from_text<AgentId>("0123456789abcdef000000000000000"));
    CHECK_FALSE(bus::id_from_text<AgentId>("0123456789abcdef00000000000000011"));
    CHECK_FALSE(bus::id_from_text<AgentId>("0123456789ABCDEF0000000000000001"));
    CHECK_FALSE(bus::id_from_text<AgentId>("0123456789abcdef000000000000000g"));
}

TEST_CASE("random ids differ and are not zero") {
    std::set<AgentId> ids;
    for (int i = 0; i < 100; ++i) ids.insert(bus::random_id<AgentId>());
    CHECK(ids.size() == 100);
    CHECK_FALSE(ids.begin()->is_zero());
    CHECK(AgentId{}.is_zero());
}

TEST_CASE("randomness fills more than one call of the kernel gives at once") {
    std::vector<std::byte> large(100'000);
    bus::random_bytes(large);
    const std::set<std::byte> seen(large.end() - 4096, large.end());
    CHECK(seen.size() > 200);
}

TEST_CASE("strong integers count in their own kind") {
    using Number = bus::StrongInt<struct NumberTag>;
    CHECK(Number{1}.next() == Number{2});
    CHECK(Number{1} < Number{2});
    CHECK(std::hash<Number>{}(Number{7}) == std::hash<std::uint64_t>{}(7));
}

TEST_CASE("the boot clock does not go backwards, and the wall clock is past 2020") {
    const auto before = bus::boot_now();
    CHECK(bus::boot_now() >= before);
    CHECK(bus::wall_micros() > 1'577'836'800'000'000);
}
