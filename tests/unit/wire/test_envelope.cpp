#include <doctest/doctest.h>

#include "wire/bounds.h"
#include "wire/envelope.h"

using namespace bus;
using namespace bus::wire;

namespace {

Envelope sample() {
    return {.flags = envelope_flag::resent | envelope_flag::rerouted,
            .attempt = 2,
            .session = 0x0102030405060708,
            .count = 3,
            .number = 4,
            .lifetime_millis = 5,
            .first = 6,
            .messages = 7,
            .consumer = 8,
            .delay_millis = 9};
}

std::vector<std::byte> frame_of(const Envelope& envelope, Bytes extensions, Bytes batch) {
    std::vector<std::byte> frame(envelope_length);
    encode_envelope(envelope, frame.data());
    store(frame.data() + 2, static_cast<std::uint16_t>(envelope_length + extensions.size()));
    Writer out{frame};
    out.bytes(extensions);
    out.bytes(batch);
    return frame;
}

std::vector<std::byte> extension(std::uint16_t type, std::string_view content) {
    std::vector<std::byte> bytes;
    Writer out{bytes};
    out.u16(type);
    out.text16(content);
    return bytes;
}

}  // namespace

TEST_CASE("every field of an envelope comes back, and the batch behind it") {
    const auto frame = frame_of(sample(), {}, as_bytes("batch"));
    const auto decoded = decode_envelope(frame);
    REQUIRE(decoded);
    const Envelope& e = decoded->envelope;
    CHECK(e.resent());
    CHECK_FALSE(e.redelivered());
    CHECK(e.flags == sample().flags);
    CHECK(e.attempt == 2);
    CHECK(e.session == 0x0102030405060708);
    CHECK(e.count == 3);
    CHECK(e.number == 4);
    CHECK(e.lifetime_millis == 5);
    CHECK(e.first == 6);
    CHECK(e.messages == 7);
    CHECK(e.consumer == 8);
    CHECK(e.delay_millis == 9);
    CHECK(decoded->extensions.empty());
    CHECK(as_text(decoded->batch) == "batch");
}

TEST_CASE("extensions that nobody knows are stepped over and kept") {
    auto two = extension(500, "hop trail");
    const auto second = extension(501, "");
    two.insert(two.end(), second.begin(), second.end());
    const auto frame = frame_of(sample(), two, as_bytes("batch"));
    const auto decoded = decode_envelope(frame);
    REQUIRE(decoded);
    CHECK(decoded->envelope.number == 4);
    CHECK(std::vector(decoded->extensions.begin(), decoded->extensions.end()) == two);
    CHECK(as_text(decoded->batch) == "batch");
}

TEST_CASE("extensions that do not add up are refused") {
    auto cut = extension(500, "hop trail");
    cut.pop_back();
    CHECK(decode_envelope(frame_of(sample(), cut, {})).error() == Reject::malformed);
    const std::vector<std::byte> stub(3);
    CHECK(decode_envelope(frame_of(sample(), stub, {})).error() == Reject::malformed);
}

TEST_CASE("an envelope cut at any length is refused") {
    const auto frame = frame_of(sample(), extension(500, "hop"), {});
    for (std::size_t length = 0; length < frame.size(); ++length) {
        CAPTURE(length);
        CHECK(decode_envelope(Bytes{frame}.first(length)).error() == Reject::malformed);
    }
}

TEST_CASE("a length outside its bounds is refused") {
    const auto with_length = [](std::uint16_t length) {
        std::vector<std::byte> frame(frame_bytes_max);
        encode_envelope(sample(), frame.data());
        store(frame.data() + 2, length);
        return decode_envelope(frame);
    };
    CHECK(with_length(64).has_value());
    CHECK(with_length(0).error() == Reject::malformed);
    CHECK(with_length(63).error() == Reject::malformed);
    CHECK(with_length(envelope_bytes_max).has_value());  // empty extensions of type 0
    CHECK(with_length(envelope_bytes_max + 1).error() == Reject::malformed);
}

TEST_CASE("another type or version is no envelope") {
    auto frame = frame_of(sample(), {}, {});
    frame[1] = std::byte{2};
    CHECK(decode_envelope(frame).error() == Reject::bad_version);
    frame[0] = std::byte{17};
    CHECK(decode_envelope(frame).error() == Reject::malformed);
}
