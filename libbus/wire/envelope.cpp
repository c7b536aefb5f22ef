#include "wire/envelope.h"

#include "wire/bounds.h"

namespace bus::wire {
namespace {

constexpr std::uint8_t version = 1;

// Extensions are type u16, length u16, bytes, repeated: what is not known can be stepped over.
bool are_extensions(Bytes bytes) {
    Reader in{bytes};
    while (in.left() > 0) {
        in.u16();
        in.bytes(in.u16());
    }
    return in.ok();
}

}  // namespace

void encode_envelope(const Envelope& e, std::byte* out) {
    store(out, FrameType::data);
    store(out + 1, version);
    store(out + 2, static_cast<std::uint16_t>(envelope_length));
    store(out + 4, e.flags);
    store(out + 6, e.attempt);
    store(out + 8, e.session);
    store(out + 16, e.count);
    store(out + 24, e.number);
    store(out + 32, e.lifetime_millis);
    store(out + 40, e.first);
    store(out + 44, e.messages);
    store(out + 48, e.consumer);
    store(out + 56, e.delay_millis);
}

Expected<DecodedEnvelope, Reject> decode_envelope(Bytes frame) {
    if (frame.size() < envelope_length || load<FrameType>(frame.data()) != FrameType::data)
        return Unexpected{Reject::malformed};
    if (load<std::uint8_t>(frame.data() + 1) != version) return Unexpected{Reject::bad_version};
    const std::size_t length = load<std::uint16_t>(frame.data() + 2);
    if (length < envelope_length || length > envelope_bytes_max || length > frame.size())
        return Unexpected{Reject::malformed};
    if (!are_extensions(frame.subspan(envelope_length, length - envelope_length)))
        return Unexpected{Reject::malformed};
    const std::byte* in = frame.data();
    return DecodedEnvelope{.envelope = {.flags = load<std::uint16_t>(in + 4),
                                        .attempt = load<std::uint16_t>(in + 6),
                                        .session = load<std::uint64_t>(in + 8),
                                        .count = load<std::uint64_t>(in + 16),
                                        .number = load<std::uint64_t>(in + 24),
                                        .lifetime_millis = load<std::uint64_t>(in + 32),
                                        .first = load<std::uint32_t>(in + 40),
                                        .messages = load<std::uint32_t>(in + 44),
                                        .consumer = load<std::uint64_t>(in + 48),
                                        .delay_millis = load<std::uint64_t>(in + 56)},
                           .extensions = frame.subspan(envelope_length, length - envelope_length),
                           .batch = frame.subspan(length)};
}

}  // namespace bus::wire
