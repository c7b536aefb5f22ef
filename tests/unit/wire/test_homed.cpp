// What the home of a queue and the agents of its consumers say to each other: PROTOCOL.md, "Homed
// queues".
#include <doctest/doctest.h>

#include "wire/envelope.h"
#include "wire/homed.h"
#include "wire/names.h"

using namespace bus;
using namespace bus::wire;

namespace {

constexpr AttachmentId id{.life = 0x1122334455667788, .number = 3, .home = 9};

template <class Frame>
Frame again(const Frame& frame) {
    const auto bytes = encode_homed(frame);
    const auto decoded = decode_homed(bytes);
    REQUIRE(decoded.has_value());
    REQUIRE(std::holds_alternative<Frame>(*decoded));
    return std::get<Frame>(*decoded);
}

std::string hex(const std::vector<std::byte>& bytes) {
    std::string text;
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::byte byte : bytes) {
        text += digits[std::to_integer<unsigned>(byte) >> 4u];
        text += digits[std::to_integer<unsigned>(byte) & 15u];
    }
    return text;
}

}  // namespace

TEST_CASE("frames of homed queues say what they said") {
    const Attach attach{.id = id,
                        .acks = 7,
                        .messages_max = 1'000,
                        .bytes_max = 65'536,
                        .ack_deadline_millis = 30'000,
                        .rate = 5,
                        .by_parts = true,
                        .queue = "orders.eu"};
    CHECK(again(attach) == attach);
    CHECK(again(Attached{id, 12}) == Attached{id, 12});
    CHECK(again(AttachmentEnded{id, Reject::not_allowed, "by rule 4"}) ==
          AttachmentEnded{id, Reject::not_allowed, "by rule 4"});
    CHECK(again(Detach{id, true}) == Detach{id, true});
    HomedAcks acks{.id = id, .count = 4, .acks = {}};
    acks.acks.push_back({.tag = 11, .first = 2, .count = 3, .through = true});
    acks.acks.push_back({.tag = 12, .count = 1, .verdict = Verdict::reject, .reason = "no price"});
    const HomedAcks told = again(acks);
    CHECK(told.id == id);
    CHECK(told.count == 4);
    REQUIRE(told.acks.size() == 2);
    CHECK(told.acks[0].tag == 11);
    CHECK(told.acks[0].through);
    CHECK(told.acks[1].verdict == Verdict::reject);
    CHECK(told.acks[1].reason == "no price");
}

TEST_CASE("their bytes are those of the protocol's document") {
    CHECK(hex(encode_homed(Attached{id, 12})) ==
          "02018877665544332211030000000000000009000000000000000c00000000000000");
    CHECK(hex(encode_homed(Detach{id, false})) ==
          "05018877665544332211030000000000000009000000000000"
          "0000");
}

TEST_CASE("what is added behind a frame is for later versions, what is missing is malformed") {
    auto bytes = encode_homed(Attached{id, 12});
    bytes.push_back(std::byte{1});
    CHECK(decode_homed(bytes).has_value());
    bytes.resize(bytes.size() - 2);
    CHECK(decode_homed(bytes).error() == Reject::malformed);
    CHECK(decode_homed({}).error() == Reject::bad_version);
    bytes[0] = std::byte{99};
    CHECK(decode_homed(bytes).error() == Reject::malformed);
    bytes[1] = std::byte{2};
    CHECK(decode_homed(bytes).error() == Reject::bad_version);
    for (const Attach& bad : {Attach{.id = id, .messages_max = 0, .bytes_max = 1, .queue = "a"},
                              Attach{.id = id, .messages_max = 1, .bytes_max = 0, .queue = "a"},
                              Attach{.id = id, .messages_max = 1, .bytes_max = 1, .queue = "a..b"}})
        CHECK(decode_homed(encode_homed(bad)).error() == Reject::malformed);
}

TEST_CASE("a delivery is addressed as a group's copy, and every other address is none") {
    const HomedDelivery delivery{
        .to = id, .count = 5, .attempt = 2, .redelivered = true, .lifetime_millis = 60'000};
    const std::string address = homed_address(delivery);
    CHECK(address == "_homed.1234605616436508552.3.9.5.2.1.60000 **");
    CHECK(is_group_address(address));
    CHECK(is_homed_address(address));
    CHECK(!is_late_joiner(address));
    CHECK(read_homed_address(address) == delivery);
    const std::uint64_t most = ~std::uint64_t{0};
    const HomedDelivery longest{.to = {most, most, most},
                                .count = most,
                                .attempt = 0xFFFF,
                                .redelivered = true,
                                .lifetime_millis = most};
    CHECK(is_group_address(homed_address(longest)));
    CHECK(read_homed_address(homed_address(longest)) == longest);
    for (const char* const bad :
         {"crew orders", "_homed.1.2.3.4.5.1 **", "_homed.1.2.3.4.5.1.6.7 **",
          "_homed.1.2.3.4.70000.1.6 **", "_homed.1.2.3.4.5.2.6 **", "_homed.1.2.3.4.5.1.6 *",
          "_homed.1.2.3..5.1.6 **", "_homed.1.2.3.-4.5.1.6 **"})
        CHECK(!read_homed_address(bad).has_value());
}
