// Frames as apps and peers send them, for the tests of agent/io.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/frame.h"
#include "wire/batch.h"
#include "wire/envelope.h"

namespace bus::io {

inline std::vector<std::byte> encoded_batch(const std::vector<std::string>& payloads,
                                            std::uint16_t flags = 0,
                                            std::string_view channel = "plant7.temperature") {
    std::size_t length = 0;
    for (const auto& payload : payloads) length += wire::message_overhead + payload.size();
    wire::BatchHeader header;
    header.flags = flags;
    header.message_count = static_cast<std::uint32_t>(payloads.size());
    header.producer = ProducerId{{1, 2}};
    header.sequence = header.channel_sequence = 1;
    header.body_length = static_cast<std::uint32_t>(length);
    header.channel = channel;
    std::vector<std::byte> bytes(wire::encoded_header_length(header) + length);
    wire::encode_header(header, bytes.data());
    std::byte* at = bytes.data() + wire::encoded_header_length(header);
    std::uint64_t sequence = 1;
    for (const auto& payload : payloads) {
        wire::encode_message(at, sequence++, {}, as_bytes(payload));
        at += wire::message_overhead + payload.size();
    }
    return bytes;
}

inline Frame data_frame(const wire::Envelope& envelope, Bytes batch, Bytes extensions = {}) {
    Frame frame{wire::envelope_length + extensions.size() + batch.size()};
    std::byte* out = frame.writable().data();
    wire::encode_envelope(envelope, out);
    store(out + 2, static_cast<std::uint16_t>(wire::envelope_length + extensions.size()));
    std::copy(extensions.begin(), extensions.end(), out + wire::envelope_length);
    std::copy(batch.begin(), batch.end(), out + wire::envelope_length + extensions.size());
    return frame;
}

}  // namespace bus::io
