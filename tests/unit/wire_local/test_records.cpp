#include <doctest/doctest.h>

#include "wire/envelope.h"
#include "wire/local.h"

using namespace bus;
using namespace bus::wire;

TEST_CASE("receipts survive the way") {
    const Receipts sent{.safe_through = 77,
                        .records = {{.number = 78, .stage = Stage::safe, .destinations = 3},
                                    {.number = 12, .stage = Stage::arrived, .fate = Fate::lapsed}}};
    const auto bytes = encode_receipts(sent);
    CHECK(bytes.at(0) == static_cast<std::byte>(FrameType::receipts));
    const auto got = decode_receipts(bytes);
    REQUIRE(got);
    CHECK(got->safe_through == 77);
    REQUIRE(got->records.size() == 2);
    CHECK(got->records[0].destinations == 3);
    CHECK(got->records[1].stage == Stage::arrived);
    CHECK(got->records[1].fate == Fate::lapsed);
}

TEST_CASE("acks survive the way, a reject with its reason") {
    const std::vector<Ack> sent{
        {.tag = 4, .first = 1, .count = 600},
        {.tag = 5, .first = 0, .count = 1, .verdict = Verdict::nack, .delay_millis = 250},
        {.tag = 6, .first = 2, .count = 1, .verdict = Verdict::reject, .reason = "unreadable"},
        {.tag = 7, .first = 0, .count = 1, .verdict = Verdict::extend},
        {.tag = 8, .first = 3, .count = 1, .through = true}};
    const auto got = decode_acks(encode_acks(sent));
    REQUIRE(got);
    REQUIRE(got->size() == 5);
    CHECK((*got)[3].verdict == Verdict::extend);
    CHECK_FALSE((*got)[3].through);
    CHECK((*got)[4].through);
    CHECK((*got)[0].count == 600);
    CHECK((*got)[1].delay_millis == 250);
    CHECK((*got)[2].verdict == Verdict::reject);
    CHECK((*got)[2].reason == "unreadable");
}

TEST_CASE("the largest frames stay within the bound") {
    const Receipts receipts{.safe_through = 1,
                            .records = std::vector<Receipt>(receipts_per_frame_max)};
    CHECK(encode_receipts(receipts).size() <= control_bytes_max);
    const std::vector<Ack> acks(acks_per_frame_max, Ack{.tag = 1, .first = 0, .count = 1});
    CHECK(encode_acks(acks).size() <= control_bytes_max);
}

TEST_CASE("no cut or stretched frame passes") {
    const auto receipts = encode_receipts({.safe_through = 1, .records = {{.number = 2}}});
    const std::vector<Ack> one{
        {.tag = 6, .first = 2, .count = 1, .verdict = Verdict::reject, .reason = "why"}};
    const auto acks = encode_acks(one);
    for (std::size_t size = 0; size < receipts.size(); ++size)
        CHECK_FALSE(decode_receipts(Bytes{receipts}.first(size)));
    for (std::size_t size = 0; size < acks.size(); ++size)
        CHECK_FALSE(decode_acks(Bytes{acks}.first(size)));
    auto longer = acks;
    longer.push_back(std::byte{0});
    CHECK_FALSE(decode_acks(longer));
    CHECK_FALSE(decode_acks(receipts));
    CHECK_FALSE(decode_receipts(acks));
}

TEST_CASE("a count that lies, a value out of range and an empty or overflowing range are refused") {
    const std::vector<Ack> one{{.tag = 6, .first = 2, .count = 1}};
    const auto with = [&](std::size_t offset, std::uint32_t value, std::size_t bytes) {
        auto frame = encode_acks(one);
        std::memcpy(frame.data() + offset, &value, bytes);
        return decode_acks(frame).has_value();
    };
    CHECK(with(4, 1, 4));
    CHECK_FALSE(with(4, 0xFFFFFFFF, 4));   // count of records
    CHECK_FALSE(with(20, 0, 4));           // an empty range
    CHECK_FALSE(with(20, 0xFFFFFFFF, 4));  // wraps
    CHECK_FALSE(with(24, 4, 1));           // verdict
    CHECK_FALSE(with(26, 201, 2));         // a reason that is too long
    CHECK_FALSE(with(1, 2, 1));            // version
    CHECK_FALSE(with(2, 8, 2));            // records too short
}

TEST_CASE("longer records of a later version are read by what is known of them") {
    auto frame = encode_receipts({.safe_through = 1, .records = {{.number = 2}}});
    const std::uint16_t longer = 24;
    std::memcpy(frame.data() + 2, &longer, sizeof longer);
    frame.resize(frame.size() + 8);
    const auto got = decode_receipts(frame);
    REQUIRE(got);
    CHECK(got->records.at(0).number == 2);
}
