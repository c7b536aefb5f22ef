// The bounds that both ends of a wire must agree on. The agent's own bounds
// are in agent/limits.h, which checks that each of these fits into its larger one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bus::wire {

inline constexpr std::size_t channel_bytes_max = 255;
inline constexpr std::size_t name_bytes_max = 255;  // of subscriptions, groups, agents
inline constexpr std::size_t batch_body_bytes_max = 64 * 1024;
inline constexpr std::size_t batch_header_bytes_max = 1024;  // with channel and sections
inline constexpr std::size_t envelope_bytes_max = 8 * 1024;  // with extensions
inline constexpr std::size_t frame_bytes_max = 80 * 1024;
// What a frame takes of a window: its bytes, and never less than this. So a window bounds the
// number of small frames as well, which cost their keepers more than their bytes.
inline constexpr std::size_t frame_charge_min = 2 * 1024;
constexpr std::size_t frame_charge(std::size_t bytes) {
    return bytes < frame_charge_min ? frame_charge_min : bytes;
}
inline constexpr std::size_t message_headers_bytes_max = 8 * 1024;
inline constexpr std::uint64_t delay_millis_max = 366ull * 24 * 3600 * 1000;  // until it is due
inline constexpr std::uint64_t message_bytes_max = 1024ull * 1024 * 1024;     // travels as parts
inline constexpr std::size_t control_bytes_max = 64 * 1024;  // one JSON or link control frame
inline constexpr std::uint32_t ack_ranges_max = 16;
inline constexpr std::size_t path_agents_max = 16;  // agents on a path, the last one included
// What an agent answers to a question over the links.
inline constexpr std::size_t answer_text_max = 2 * 1024;
inline constexpr std::size_t summary_error_max = 1024;  // of it: the last error in words
inline constexpr std::uint16_t protocol_min = 1;
inline constexpr std::uint16_t protocol_max = 1;

static_assert(batch_body_bytes_max + batch_header_bytes_max + envelope_bytes_max <= frame_bytes_max,
              "the largest batch must fit into a frame");
static_assert(control_bytes_max <= frame_bytes_max, "control frames are frames");
static_assert(summary_error_max + 512 <= answer_text_max, "with the version and the figures");
static_assert(message_headers_bytes_max < batch_body_bytes_max, "headers travel in the first part");

}  // namespace bus::wire
