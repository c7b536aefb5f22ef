// When a received frame may leave again in its own memory, and when it must not.
#include "io/received_batch.h"

#include <doctest/doctest.h>

#include "batches.h"

namespace bus::io {
namespace {

const std::vector<std::string> three{"21.5", "21.6", "21.7"};

Frame send_whole(const core::Batch& batch, std::uint64_t number) {
    return frame_for({.number = number}, batch, 0, batch.header().body_length);
}

TEST_CASE("a whole batch leaves in the memory it came in, with another envelope") {
    Frame received = data_frame({.number = 7}, encoded_batch(three));
    const auto* memory = received.bytes().data();
    const auto taken = receive_batch(std::move(received));
    REQUIRE(taken.has_value());
    CHECK(taken->envelope.number == 7);

    const Frame sent = send_whole(taken->batch, 40);
    CHECK(sent.bytes().data() == memory);
    const auto decoded = wire::decode_envelope(sent.bytes());
    REQUIRE(decoded.has_value());
    CHECK(decoded->envelope.number == 40);
    CHECK(as_text(decoded->batch) == as_text(taken->batch.bytes()));
}

TEST_CASE("what was sent is never written again: later sends are copies") {
    const auto taken = receive_batch(data_frame({.number = 7}, encoded_batch(three)));
    REQUIRE(taken.has_value());
    const Frame first = send_whole(taken->batch, 40);
    const Frame second = send_whole(taken->batch, 41);
    CHECK(first.bytes().data() != second.bytes().data());
    CHECK(wire::decode_envelope(first.bytes())->envelope.number == 40);
    CHECK(wire::decode_envelope(second.bytes())->envelope.number == 41);
}

TEST_CASE("a sent frame outlives the batch it was lent from") {
    Frame sent;
    {
        const auto taken = receive_batch(data_frame({}, encoded_batch(three)));
        REQUIRE(taken.has_value());
        sent = send_whole(taken->batch, 40);
    }
    const auto decoded = wire::decode_envelope(sent.bytes());
    REQUIRE(decoded.has_value());
    CHECK(wire::decode_batch(decoded->batch).has_value());
}

TEST_CASE("a received envelope with extensions does not fit the one to be sent: a copy") {
    std::vector<std::byte> extension;
    Writer{extension}.u16(99);
    Writer{extension}.u16(4);
    Writer{extension}.u32(0xABCD);
    Frame received = data_frame({.number = 7}, encoded_batch(three), extension);
    const auto* memory = received.bytes().data();
    const auto taken = receive_batch(std::move(received));
    REQUIRE(taken.has_value());
    const Frame sent = send_whole(taken->batch, 40);
    CHECK(sent.bytes().data() != memory);
    const auto decoded = wire::decode_envelope(sent.bytes());
    REQUIRE(decoded.has_value());
    CHECK(decoded->extensions.empty());
    CHECK(as_text(decoded->batch) == as_text(taken->batch.bytes()));
}

TEST_CASE("a range is a copy of header and messages, and the frame stays unlent") {
    Frame received = data_frame({.number = 7}, encoded_batch(three));
    const auto* memory = received.bytes().data();
    const auto taken = receive_batch(std::move(received));
    REQUIRE(taken.has_value());
    const auto message = static_cast<std::uint32_t>(wire::message_overhead + 4);
    const Frame range = frame_for({.first = 1, .messages = 1}, taken->batch, message, 2 * message);
    const auto decoded = wire::decode_envelope(range.bytes());
    REQUIRE(decoded.has_value());
    const auto header = wire::decode_batch(decoded->batch, wire::Body::cut);
    REQUIRE(header.has_value());
    wire::MessageWalk walk{decoded->batch.subspan(header->header_length), header->sequence + 1,
                           wire::MessageWalk::Check::checksum};
    const auto only = walk.next();
    REQUIRE(only.has_value());
    CHECK(only->intact);
    CHECK(as_text(only->payload) == "21.6");
    CHECK_FALSE(walk.next().has_value());
    CHECK(send_whole(taken->batch, 40).bytes().data() == memory);
}

TEST_CASE("a batch from the journal is copied into a frame") {
    const auto batch = core::OwnedBatch::make(encoded_batch(three));
    REQUIRE(batch.has_value());
    const Frame sent = send_whole(*batch, 3);
    CHECK(as_text(wire::decode_envelope(sent.bytes())->batch) == as_text(batch->bytes()));
}

TEST_CASE("what an app leaves unsealed is sealed") {
    auto bytes = encoded_batch(three, wire::batch_flag::unsealed);
    const auto plain = wire::decode_batch(bytes);
    REQUIRE(plain.has_value());
    store(bytes.data() + plain->header_length + 4, std::uint32_t{0});  // the first checksum
    const auto taken = receive_app_batch(data_frame({.number = 7}, bytes));
    REQUIRE(taken.has_value());
    CHECK_FALSE(taken->batch.header().is_unsealed());
    wire::MessageWalk walk{taken->batch.body(), 1, wire::MessageWalk::Check::checksum};
    std::size_t intact = 0;
    while (const auto message = walk.next()) intact += message->intact ? 1 : 0;
    CHECK(intact == three.size());
}

TEST_CASE("an app's bad batch is refused by its number; a bad envelope has none") {
    auto bytes = encoded_batch(three);
    const auto header = wire::decode_batch(bytes);
    REQUIRE(header.has_value());
    SUBCASE("the messages do not add up") {
        store(bytes.data() + header->header_length, std::uint32_t{3});
        const auto taken = receive_app_batch(data_frame({.number = 7}, bytes));
        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().number == 7);
        CHECK(taken.error().why == wire::Reject::malformed);
    }
    SUBCASE("the header is damaged") {
        bytes[20] ^= std::byte{1};
        const auto taken = receive_app_batch(data_frame({.number = 7}, bytes));
        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().number == 7);
        CHECK(taken.error().why == wire::Reject::bad_checksum);
    }
    SUBCASE("the envelope is cut off") {
        const Frame whole = data_frame({.number = 7}, bytes);
        const auto taken = receive_app_batch(Frame::copy_of(whole.bytes().first(40)));
        REQUIRE_FALSE(taken.has_value());
        CHECK_FALSE(taken.error().number.has_value());
    }
}

}  // namespace
}  // namespace bus::io
