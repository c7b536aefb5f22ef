#include "bench/raw_frame.h"

#include <algorithm>

#include "wire/batch.h"
#include "wire/envelope.h"

namespace bus::bench {
namespace {

// A batch's header on a queue named as the bench names them; a few bytes more or less are nothing.
constexpr std::uint64_t header_bytes = 96;
// Payload of one part of a large message: room is kept for headers in the first.
constexpr std::uint64_t part_bytes =
    wire::message_bytes_in_batch_max - wire::message_headers_bytes_max;

std::uint64_t frame_bytes(std::uint64_t messages, std::uint64_t size) {
    return wire::envelope_length + header_bytes + messages * (size + wire::message_overhead);
}

}  // namespace

RawFrames raw_frames(std::uint32_t size, bool single) {
    const std::uint64_t fit = wire::batch_body_bytes_max / (size + wire::message_overhead);
    if (fit > 0) {
        const std::uint64_t messages = single ? 1 : fit;
        return {.messages = messages, .bytes = {frame_bytes(messages, size)}};
    }
    RawFrames frames;
    for (std::uint64_t at = 0; at < size; at += part_bytes)
        frames.bytes.push_back(frame_bytes(1, std::min(part_bytes, size - at)));
    return frames;
}

}  // namespace bus::bench
