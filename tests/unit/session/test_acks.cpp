#include <doctest/doctest.h>

#include "session/ack_book.h"

using namespace bus;
using session::AckBook;

namespace {
std::vector<wire::Ack> decoded(const std::vector<std::vector<std::byte>>& frames) {
    std::vector<wire::Ack> all;
    for (const auto& frame : frames) {
        CHECK(frame.size() <= wire::control_bytes_max);
        auto acks = wire::decode_acks(frame);
        REQUIRE(acks);
        all.insert(all.end(), acks->begin(), acks->end());
    }
    return all;
}
}  // namespace

TEST_CASE("acknowledgements in order become one range") {
    AckBook book;
    for (std::uint32_t i = 0; i < 600; ++i) book.add({.tag = 4, .first = i, .count = 1});
    CHECK(book.messages() == 600);
    const auto acks = decoded(book.take_frames());
    REQUIRE(acks.size() == 1);
    CHECK(acks[0].tag == 4);
    CHECK(acks[0].first == 0);
    CHECK(acks[0].count == 600);
    CHECK(book.empty());
    CHECK(book.messages() == 0);
    CHECK(book.take_frames().empty());
}

TEST_CASE("another delivery, verdict, delay or reason begins another range") {
    AckBook book;
    book.add({.tag = 4, .first = 0, .count = 1});
    book.add({.tag = 5, .first = 1, .count = 1});
    book.add({.tag = 5, .first = 2, .count = 1, .verdict = wire::Verdict::nack});
    book.add({.tag = 5, .first = 3, .count = 1, .verdict = wire::Verdict::nack, .delay_millis = 9});
    book.add({.tag = 5, .first = 4, .count = 1, .verdict = wire::Verdict::reject, .reason = "bad"});
    book.add({.tag = 5, .first = 6, .count = 1, .verdict = wire::Verdict::reject, .reason = "bad"});
    const auto acks = decoded(book.take_frames());
    REQUIRE(acks.size() == 6);
    CHECK(acks[3].delay_millis == 9);
    CHECK(acks[4].reason == "bad");
}

TEST_CASE("many records take as many frames as they need") {
    AckBook book;
    const std::string reason(300, 'r');
    for (std::uint32_t i = 0; i < 6'000; ++i)
        book.add({.tag = i + 1,
                  .first = 0,
                  .count = 1,
                  .verdict = i % 2 ? wire::Verdict::reject : wire::Verdict::ack,
                  .reason = i % 2 ? reason : ""});
    const auto acks = decoded(book.take_frames());
    REQUIRE(acks.size() == 6'000);
    CHECK(acks[1].reason.size() == wire::reject_reason_bytes_max);
    CHECK(acks[5'999].tag == 6'000);
}
