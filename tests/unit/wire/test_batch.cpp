// The batch header: what is encoded comes back, and no lie gets through.
#include <doctest/doctest.h>

#include <limits>

#include "support/sample_batch.h"
#include "wire/batch.h"

using namespace bus;
using namespace bus::wire;
using test::sample_batch;
using test::sample_header;

namespace {

Reject verdict(Bytes batch, Body body = Body::whole) {
    const auto decoded = decode_batch(batch, body);
    return decoded ? Reject::none : decoded.error();
}

// A batch whose header was changed before its checksum was made: a liar, not line noise.
template <class Change>
Reject verdict_with(Change change) {
    BatchHeader header = sample_header();
    header.message_count = 1;
    header.body_length = message_overhead;
    change(header);
    std::vector<std::byte> batch(encoded_header_length(header) + message_overhead);
    encode_header(header, batch.data());
    encode_message(batch.data() + encoded_header_length(header), header.sequence, {}, {});
    return verdict(batch);
}

// The same, for what encode_header would not write: fields are patched and the checksum with them.
std::vector<std::byte> with_section(std::uint16_t type, Bytes content, std::uint16_t claimed) {
    BatchHeader header = sample_header();
    header.message_count = 1;
    header.body_length = message_overhead;
    std::vector<std::byte> batch(encoded_header_length(header));
    encode_header(header, batch.data());
    Writer out{batch};
    out.u16(type);
    out.u16(claimed);
    out.bytes(content);
    store(batch.data() + 10, static_cast<std::uint16_t>(batch.size()));
    store(batch.data() + 72, std::uint32_t{0});
    store(batch.data() + 72, message_checksum(batch, 0));  // XXH3-64 with seed 0
    const auto at = batch.size();
    batch.resize(at + message_overhead);
    encode_message(batch.data() + at, header.sequence, {}, {});
    return batch;
}

std::vector<std::byte> part_section(Part part) {
    std::vector<std::byte> bytes;
    Writer out{bytes};
    out.u64(part.first_sequence);
    out.u32(part.index);
    out.u32(part.total);
    out.u64(part.total_bytes);
    return bytes;
}

}  // namespace

TEST_CASE("every field of a batch comes back as it was encoded") {
    BatchHeader header = sample_header();
    header.kind = Kind::queue;
    header.mode = Mode::best_effort;
    header.lane = Lane::low;
    header.flags = batch_flag::want_arrived;
    header.sequence = 1'000'000;
    header.channel_sequence = 77;
    header.ttl_millis = 30'000;
    header.channel = "orders.new";
    const auto batch = sample_batch({{"one"}, {""}, {"three"}}, header);

    const auto decoded = decode_batch(batch);
    REQUIRE(decoded);
    CHECK(decoded->kind == Kind::queue);
    CHECK(decoded->mode == Mode::best_effort);
    CHECK_FALSE(decoded->guaranteed());
    CHECK(decoded->lane == Lane::low);
    CHECK(decoded->flags == batch_flag::want_arrived);
    CHECK(decoded->message_count == 3);
    CHECK(decoded->producer == header.producer);
    CHECK(decoded->sequence == 1'000'000);
    CHECK(decoded->channel_sequence == 77);
    CHECK(decoded->created_micros == header.created_micros);
    CHECK(decoded->ttl_millis == 30'000);
    CHECK(decoded->channel == "orders.new");
    CHECK_FALSE(decoded->part);
    CHECK(decoded->header_length == 80 + 10);
    CHECK(decoded->body_length == batch.size() - 90);
}

TEST_CASE("a part says where it stands in its message") {
    BatchHeader header = sample_header();
    header.flags = batch_flag::part;
    header.sequence = 12;
    header.part = Part{.first_sequence = 10, .index = 2, .total = 5, .total_bytes = 300'000};
    const auto batch = sample_batch({{"piece"}}, header);
    const auto decoded = decode_batch(batch);
    REQUIRE(decoded);
    CHECK(decoded->part == header.part);
    CHECK(decoded->header_length == 80 + 18 + 28);
}

TEST_CASE("only an unsealed header may come without a checksum") {
    BatchHeader header = sample_header();
    auto sealed = sample_batch({{"x"}}, header);
    store(sealed.data() + 72, std::uint32_t{0});
    CHECK(verdict(sealed) == Reject::bad_checksum);
    header.flags = batch_flag::unsealed;
    auto unsealed = sample_batch({{"x"}}, header);
    CHECK(verdict(unsealed) == Reject::none);
    store(unsealed.data() + 72, std::uint32_t{1});
    CHECK(verdict(unsealed) == Reject::bad_checksum);
    store(unsealed.data() + 72, std::uint32_t{0});
    CHECK(verdict(unsealed) == Reject::none);
    seal(unsealed);
    CHECK(unsealed == sample_batch({{"x"}}));
}

TEST_CASE("a channel of 255 bytes fits") {
    const std::string longest(255, 'c');
    BatchHeader header = sample_header();
    header.channel = longest;
    const auto batch = sample_batch({{"x"}}, header);
    const auto decoded = decode_batch(batch);
    REQUIRE(decoded);
    CHECK(decoded->channel == longest);
}

TEST_CASE("every single flipped bit of the header is refused") {
    BatchHeader header = sample_header();
    header.flags = batch_flag::part;
    header.part = Part{.first_sequence = 1, .index = 0, .total = 2, .total_bytes = 100'000};
    const auto batch = sample_batch({{"payload"}}, header);
    const auto length = decode_batch(batch)->header_length;
    for (std::size_t bit = 0; bit < length * std::size_t{8}; ++bit) {
        auto damaged = batch;
        damaged[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
        CAPTURE(bit);
        CHECK_FALSE(decode_batch(damaged).has_value());
    }
}

TEST_CASE("a batch cut short at any length is refused, and so is one byte too many") {
    const auto batch = sample_batch({{"one"}, {"two"}});
    for (std::size_t length = 0; length < batch.size(); ++length) {
        CAPTURE(length);
        CHECK(verdict(Bytes{batch}.first(length)) == Reject::malformed);
    }
    auto longer = batch;
    longer.push_back(std::byte{0});
    CHECK(verdict(longer) == Reject::malformed);
}

TEST_CASE("a cut body may be shorter than announced, never longer") {
    auto batch = sample_batch({{"one"}, {"two"}});
    CHECK(verdict(Bytes{batch}.first(batch.size() - 13), Body::cut) == Reject::none);
    CHECK(verdict(batch, Body::cut) == Reject::none);
    batch.push_back(std::byte{0});
    CHECK(verdict(batch, Body::cut) == Reject::malformed);
}

TEST_CASE("another format and another version are told apart from damage") {
    auto batch = sample_batch({{"x"}});
    batch[4] = std::byte{2};
    CHECK(verdict(batch) == Reject::bad_version);
    batch[0] = std::byte{'X'};
    CHECK(verdict(batch) == Reject::malformed);
    auto damaged = sample_batch({{"x"}});
    damaged[40] ^= std::byte{1};
    CHECK(verdict(damaged) == Reject::bad_checksum);
}

TEST_CASE("a header that contradicts itself is refused although its checksum holds") {
    using H = BatchHeader;
    CHECK(verdict_with([](H&) {}) == Reject::none);
    CHECK(verdict_with([](H& h) { h.kind = static_cast<Kind>(3); }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.lane = static_cast<Lane>(3); }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.mode = static_cast<Mode>(2); }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.message_count = 0; }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.message_count = 2; }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.producer = {}; }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.sequence = 0; }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.channel_sequence = 0; }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.body_length = 9; }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.body_length = 11; }) == Reject::malformed);
    CHECK(verdict_with([](H& h) { h.body_length = 65'537; }) == Reject::too_large);
    CHECK(verdict_with([](H& h) { h.body_length = 0xFFFFFFFF; }) == Reject::too_large);
}

TEST_CASE("a sequence that would wrap within the batch is refused") {
    constexpr auto last = std::numeric_limits<std::uint64_t>::max();
    CHECK(verdict_with([](auto& h) { h.sequence = last; }) == Reject::malformed);
    CHECK(verdict_with([](auto& h) { h.channel_sequence = last; }) == Reject::malformed);
    CHECK(verdict_with([](auto& h) { h.sequence = last - 1; }) == Reject::none);
}

TEST_CASE("a channel must be a channel, or reserved and well-formed") {
    const auto named = [](std::string_view name) {
        return verdict_with([name](BatchHeader& h) { h.channel = name; });
    };
    CHECK(named("$bus.event.lapsed") == Reject::none);
    CHECK(named("") == Reject::bad_name);
    CHECK(named("a..b") == Reject::bad_name);
    CHECK(named("a.*") == Reject::bad_name);
    CHECK(named("$bus.") == Reject::bad_name);
    CHECK(named("$bus.\n") == Reject::bad_name);
    CHECK(named("$other.x") == Reject::bad_name);
}

TEST_CASE("the part flag and the part section come together or not at all") {
    CHECK(verdict_with([](auto& h) { h.flags = batch_flag::part; }) == Reject::malformed);
    CHECK(verdict_with([](auto& h) { h.part = Part{1, 0, 2, 10}; }) == Reject::malformed);
    CHECK(verdict_with([](auto& h) { h.flags = batch_flag::abort; }) == Reject::malformed);
    const auto part = [](Part p, std::uint16_t flags = batch_flag::part) {
        return verdict_with([p, flags](BatchHeader& h) {
            h.flags = flags;
            h.part = p;
        });
    };
    CHECK(part({1, 0, 2, 10}) == Reject::none);
    CHECK(part({1, 0, 2, 10}, batch_flag::part | batch_flag::abort) == Reject::none);
    CHECK(part({0, 0, 2, 10}) == Reject::malformed);
    CHECK(part({2, 0, 2, 10}) == Reject::malformed);  // begins behind itself
    CHECK(part({1, 2, 2, 10}) == Reject::malformed);
    CHECK(part({1, 0, 0, 10}) == Reject::malformed);
    CHECK(part({1, 0, 2, message_bytes_max + 1}) == Reject::too_large);
}

TEST_CASE("a section that this version does not know is skipped") {
    const auto batch = with_section(999, as_bytes("later"), 5);
    const auto decoded = decode_batch(batch);
    REQUIRE(decoded);
    CHECK(decoded->header_length == 80 + 18 + 4 + 5);
    CHECK(decoded->channel == "plant7.temperature");
}

TEST_CASE("a section whose length lies is refused") {
    CHECK(verdict(with_section(999, as_bytes("later"), 6)) == Reject::malformed);
    CHECK(verdict(with_section(999, as_bytes("later"), 0xFFFF)) == Reject::malformed);
    CHECK(verdict(with_section(999, as_bytes("later"), 4)) == Reject::malformed);
    CHECK(verdict(with_section(1, part_section({1, 0, 2, 10}), 24)) ==
          Reject::malformed);  // no flag
}

TEST_CASE("a header longer than its bound is refused before it is looked at") {
    const std::vector<std::byte> large(1000);
    CHECK(verdict(with_section(999, large, 1000)) == Reject::malformed);
}

TEST_CASE("arbitrary bytes are no batch") {
    std::vector<std::byte> bytes(4096);
    std::uint32_t state = 1;
    for (auto& b : bytes)
        b = static_cast<std::byte>((state = state * 1'664'525 + 1'013'904'223) >> 24);
    for (std::size_t at = 0; at < bytes.size(); at += 7)
        CHECK_FALSE(decode_batch(Bytes{bytes}.subspan(at)).has_value());
}

TEST_CASE("what is cut out of a batch is a batch of these messages, each as it was") {
    BatchHeader header = sample_header();
    const auto whole = sample_batch({{"one"}, {"two"}, {"three"}, {"four"}}, header);
    const auto decoded = decode_batch(whole);
    REQUIRE(decoded);
    const auto cut = cut_batch(whole, *decoded, 1, 2);
    const auto of_cut = decode_batch(cut);
    REQUIRE(of_cut);
    CHECK(of_cut->message_count == 2);
    CHECK(of_cut->sequence == decoded->sequence + 1);
    CHECK(of_cut->channel_sequence == decoded->channel_sequence + 1);
    CHECK(of_cut->channel == decoded->channel);
    MessageWalk walk{Bytes{cut}.subspan(of_cut->header_length), of_cut->sequence,
                     MessageWalk::Check::checksum};
    for (const std::string_view text : {"two", "three"}) {
        const auto message = walk.next();
        REQUIRE(message);
        CHECK(message->intact);
        CHECK(as_text(message->payload) == text);
    }
    CHECK_FALSE(walk.next());
    CHECK(cut_batch(whole, *decoded, 0, 4) == whole);
}

TEST_CASE("what a later version adds to a batch's header stays in what is cut out") {
    const auto batch = with_section(999, as_bytes("later"), 5);
    const auto decoded = decode_batch(batch);
    REQUIRE(decoded);
    CHECK(cut_batch(batch, *decoded, 0, 1) == batch);
}
