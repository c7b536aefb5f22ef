#include <doctest/doctest.h>

#include <deque>

#include "session/bounds.h"
#include "session/unpacker.h"
#include "support/sample_batch.h"

using namespace bus;
using namespace bus::session;
using bus::test::sample_batch;
using bus::test::sample_header;
using bus::test::SampleMessage;

namespace {

std::vector<std::byte> delivery(const std::vector<std::byte>& batch, wire::Envelope envelope) {
    std::vector<std::byte> frame(wire::envelope_length);
    if (envelope.number == 0) envelope.number = 9;
    envelope.attempt = 1;
    wire::encode_envelope(envelope, frame.data());
    frame.insert(frame.end(), batch.begin(), batch.end());
    return frame;
}

std::vector<SampleMessage> three() { return {{"one"}, {"two"}, {"three"}}; }

// Messages [first, first + count) of a batch, as an agent hands out a range.
std::vector<std::byte> range(const std::vector<std::byte>& batch, std::uint32_t first,
                             std::uint32_t count) {
    const auto header = wire::decode_batch(batch);
    REQUIRE(header);
    const Bytes body = wire::cut_body(Bytes{batch}.subspan(header->header_length), first, count);
    std::vector<std::byte> bytes(batch.begin(), batch.begin() + header->header_length);
    bytes.insert(bytes.end(), body.begin(), body.end());
    return delivery(bytes, {.first = first, .messages = count});
}

// With the frames, which must live as long as what was received from them.
struct Unpacking : Unpacker {
    std::deque<std::vector<std::byte>> frames;
};

std::vector<Received> walk(Unpacking& unpacker, std::vector<std::byte> frame) {
    unpacker.frames.push_back(std::move(frame));
    REQUIRE(unpacker.begin(unpacker.frames.back()));
    std::vector<Received> all;
    while (auto received = unpacker.next()) all.push_back(std::move(*received));
    return all;
}

wire::BatchHeader at(std::uint64_t channel_sequence) {
    auto header = sample_header();
    header.sequence = header.channel_sequence = channel_sequence;
    return header;
}

}  // namespace

TEST_CASE("a delivery is walked message by message, with what to acknowledge") {
    Unpacking unpacker;
    const auto frame = delivery(sample_batch(three()), {.messages = 3});
    const auto all = walk(unpacker, frame);
    REQUIRE(all.size() == 3);
    CHECK(as_text(all[1].payload) == "two");
    CHECK(all[1].tag == 9);
    CHECK(all[1].index == 1);
    CHECK(all[1].sequence == 2);
    CHECK(all[1].channel == "plant7.temperature");
    CHECK_FALSE(all[1].last_of_tag);
    CHECK(all[2].last_of_tag);
    CHECK_FALSE(unpacker.has_rulings());
}

TEST_CASE("a range of a batch is verified with its own sequences") {
    Unpacking unpacker;
    const auto all = walk(unpacker, range(sample_batch(three()), 1, 2));
    REQUIRE(all.size() == 2);
    CHECK(as_text(all[0].payload) == "two");
    CHECK(all[0].index == 1);
    CHECK(all[0].sequence == 2);
}

TEST_CASE("what was kept for a late joiner says so, and is no gap nor the beginning of one") {
    Unpacking unpacker;
    const auto last = [&](std::uint64_t place) {
        return walk(unpacker, delivery(sample_batch({{"kept"}}, at(place)),
                                       {.flags = wire::envelope_flag::retained, .messages = 1}));
    };
    const auto live = [&](std::uint64_t place) {
        return walk(unpacker, delivery(sample_batch({{"live"}}, at(place)), {.messages = 1}));
    };
    CHECK(last(5).at(0).retained);
    const auto first = live(9);
    CHECK_FALSE(first.at(0).retained);
    CHECK(first.at(0).missed == 0);
    // Behind what is newer it is acknowledged and not handed out.
    CHECK(last(3).empty());
    const auto rulings = unpacker.take_rulings();
    REQUIRE(rulings.size() == 1);
    CHECK(rulings[0].verdict == wire::Verdict::ack);
    CHECK(rulings[0].count == 1);
    CHECK(live(10).at(0).missed == 0);
}

TEST_CASE("a message whose checksum does not hold is rejected and never handed out") {
    Unpacking unpacker;
    auto frame = delivery(sample_batch(three()), {.messages = 3});
    frame[frame.size() - 6] ^= std::byte{1};  // within "three"
    const auto all = walk(unpacker, frame);
    CHECK(all.size() == 2);
    const auto rulings = unpacker.take_rulings();
    REQUIRE(rulings.size() == 1);
    CHECK(rulings[0].verdict == wire::Verdict::reject);
    CHECK(rulings[0].first == 2);
    CHECK(rulings[0].count == 1);
    CHECK_FALSE(rulings[0].reason.empty());

    const auto next = walk(unpacker, delivery(sample_batch({{"four"}}, at(4)), {.messages = 1}));
    REQUIRE(next.size() == 1);
    CHECK(next[0].missed == 1);
}

TEST_CASE("every single flipped bit is noticed") {
    const auto good = delivery(sample_batch(three()), {.messages = 3});
    for (std::size_t i = wire::envelope_length * 8; i < good.size() * 8; ++i) {
        auto bad = good;
        bad[i / 8] ^= static_cast<std::byte>(1u << i % 8);
        Unpacking unpacker;
        const auto all = walk(unpacker, bad);
        std::uint32_t ruled = 0;
        for (const auto& ruling : unpacker.take_rulings()) ruled += ruling.count;
        CHECK(all.size() + ruled == 3);
        CHECK(ruled > 0);
        for (const auto& received : all)
            CHECK(as_text(received.payload) == three().at(received.index).payload);
    }
}

TEST_CASE("a damaged header rejects the whole range") {
    Unpacking unpacker;
    auto frame = delivery(sample_batch(three()), {.messages = 3});
    frame[wire::envelope_length + 40] ^= std::byte{1};
    CHECK(walk(unpacker, frame).empty());
    const auto rulings = unpacker.take_rulings();
    REQUIRE(rulings.size() == 1);
    CHECK(rulings[0].count == 3);
}

TEST_CASE("a delivery that promises more than it holds is rejected for the rest") {
    Unpacking unpacker;
    auto frame = range(sample_batch(three()), 0, 2);
    wire::encode_envelope({.attempt = 1, .number = 9, .messages = 3}, frame.data());
    CHECK(walk(unpacker, frame).size() == 2);
    CHECK(unpacker.take_rulings().at(0).first == 2);
    wire::encode_envelope({.attempt = 1, .number = 9, .messages = 7}, frame.data());
    CHECK(walk(unpacker, frame).empty());
    CHECK(unpacker.take_rulings().at(0).count == 7);
}

TEST_CASE("without a readable envelope nothing can be said") {
    Unpacking unpacker;
    const std::vector<std::byte> frame(20);
    CHECK_FALSE(unpacker.begin(frame));
    CHECK_FALSE(unpacker.next());
}

TEST_CASE("a gap on a topic is told with the message after it") {
    Unpacking unpacker;
    const auto one = [&](std::uint64_t sequence) {
        return walk(unpacker, delivery(sample_batch({{"x"}}, at(sequence)), {.messages = 1}))
            .at(0)
            .missed;
    };
    CHECK(one(7) == 0);  // the first begins the count
    CHECK(one(8) == 0);
    CHECK(one(12) == 3);
    CHECK(one(10) == 0);  // late
    CHECK(one(13) == 0);
}

TEST_CASE("queues share their work, so a hole is no gap") {
    Unpacking unpacker;
    for (const std::uint64_t sequence : {1, 9}) {
        auto header = at(sequence);
        header.kind = wire::Kind::queue;
        const auto all = walk(unpacker, delivery(sample_batch({{"x"}}, header), {.messages = 1}));
        CHECK(all.at(0).missed == 0);
    }
}

namespace {
std::vector<std::byte> part(std::uint32_t index, std::string_view payload,
                            wire::Kind kind = wire::Kind::topic) {
    auto header = at(10 + index);
    header.kind = kind;
    header.flags = wire::batch_flag::part;
    header.part = {.first_sequence = 10, .index = index, .total = 3, .total_bytes = 9};
    return delivery(sample_batch({{payload}}, header), {.number = 20 + index, .messages = 1});
}
}  // namespace

TEST_CASE("one damaged part rejects the whole message, the rest as it comes") {
    Unpacking unpacker;
    CHECK(walk(unpacker, part(0, "abc")).empty());
    auto damaged = part(1, "def");
    damaged.back() ^= std::byte{1};
    CHECK(walk(unpacker, damaged).empty());
    CHECK(walk(unpacker, part(2, "ghi")).empty());
    std::vector<std::uint64_t> tags;
    for (const auto& ruling : unpacker.take_rulings()) {
        CHECK(ruling.verdict == wire::Verdict::reject);
        tags.push_back(ruling.tag);
    }
    CHECK(tags == std::vector<std::uint64_t>{21, 20, 22});
}

TEST_CASE("parts that disagree or do not add up never become a message") {
    Unpacking unpacker;
    CHECK(walk(unpacker, part(0, "abc")).empty());
    CHECK(walk(unpacker, part(1, "defghijkl")).empty());
    CHECK(walk(unpacker, part(2, "x")).empty());
    CHECK(unpacker.take_rulings().size() == 3);
}

TEST_CASE("a tail without its beginning is done with on a topic, given back on a queue") {
    Unpacking unpacker;
    CHECK(walk(unpacker, part(1, "def")).empty());
    CHECK(unpacker.take_rulings().at(0).verdict == wire::Verdict::ack);
    CHECK(walk(unpacker, part(1, "def", wire::Kind::queue)).empty());
    CHECK(unpacker.take_rulings().at(0).verdict == wire::Verdict::nack);
}

TEST_CASE("parts that come again join the same message, and are decided with it") {
    Unpacking unpacker;
    CHECK(walk(unpacker, part(0, "abc", wire::Kind::queue)).empty());
    CHECK(walk(unpacker, part(1, "def", wire::Kind::queue)).empty());
    CHECK(walk(unpacker, part(0, "abc", wire::Kind::queue)).empty());
    CHECK(walk(unpacker, part(1, "def", wire::Kind::queue)).empty());
    const auto all = walk(unpacker, part(2, "ghi", wire::Kind::queue));
    REQUIRE(all.size() == 1);
    CHECK(as_text(all[0].payload) == "abcdefghi");
    CHECK(all[0].joined->pieces.size() == 5);
    CHECK(unpacker.take_rulings().empty());

    CHECK(walk(unpacker, part(2, "ghi", wire::Kind::queue)).empty());
    const auto rulings = unpacker.take_rulings();
    REQUIRE(rulings.size() == 1);
    CHECK(rulings[0].verdict == wire::Verdict::ack);
}

TEST_CASE("a new epoch forgets unfinished messages") {
    Unpacking unpacker;
    CHECK(walk(unpacker, part(0, "abc")).empty());
    unpacker.reset();
    CHECK(walk(unpacker, part(0, "abc")).empty());
    CHECK(walk(unpacker, part(1, "def")).empty());
    const auto all = walk(unpacker, part(2, "ghi"));
    REQUIRE(all.size() == 1);
    CHECK(as_text(all[0].payload) == "abcdefghi");
    CHECK(all[0].joined->pieces.size() == 3);
}

namespace {

wire::BatchHeader topic_of(const ProducerId& producer, wire::Mode mode = wire::Mode::guaranteed) {
    return {.mode = mode, .producer = producer, .channel = "a"};
}

}  // namespace

TEST_CASE("what another path brought later is told to be late, but for what best effort overtook") {
    GapWatch watch;
    const ProducerId producer{{1, 1}};
    CHECK_FALSE(watch.pass(topic_of(producer), 1, 2).late);
    CHECK_FALSE(watch.pass(topic_of(producer), 5, 2).late);
    CHECK(watch.pass(topic_of(producer), 3, 2).late);
    CHECK_FALSE(watch.pass(topic_of(producer, wire::Mode::best_effort), 9, 1).late);
    CHECK_FALSE(watch.pass(topic_of(producer), 7, 1).late);
}

TEST_CASE("the gap watch forgets the oldest beyond its limit") {
    GapWatch watch;
    for (std::uint64_t i = 1; i <= limits::watched_keys_max + 1; ++i)
        CHECK(watch.pass(topic_of(ProducerId{{i, 1}}), 1, 1).missing == 0);
    CHECK(watch.pass(topic_of(ProducerId{{1, 1}}), 9, 1).missing == 0);
    CHECK(watch.pass(topic_of(ProducerId{{limits::watched_keys_max, 1}}), 9, 1).missing == 7);
}
