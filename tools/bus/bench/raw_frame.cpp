#include "bench/raw_frame.h"

#include <algorithm>

#include "wire/batch.h"
#include "wire/envelope.h"

namespace bus::bench {
namespace {

// A batch's header on a queue named as the bench names them; a few bytes more or less are nothing.
constexpr std::uint64_t header_bytes = 96;

std::uint64_t frame_bytes(std::uint64_t body) {
    return wire::envelope_length + header_bytes + body;
}

}  // namespace

RawFrame raw_frame(std::uint32_t size, bool single) {
    const std::uint64_t encoded = size + wire::message_overhead;
    if (encoded > wire::batch_body_bytes_max) {
        const std::uint64_t most = wire::message_bytes_in_batch_max;
        const std::uint64_t parts = (size + most - 1) / most;
        return {.messages = 1, .frames = parts, .bytes = frame_bytes(encoded / parts)};
    }
    const std::uint64_t messages =
        single ? 1 : std::max<std::uint64_t>(1, wire::batch_body_bytes_max / encoded);
    return {.messages = messages, .frames = 1, .bytes = frame_bytes(messages * encoded)};
}

}  // namespace bus::bench
