// What one batch looks like on the wire, so that the raw pipe carries the
// same bytes: messages in a frame, and the frame's length, per PROTOCOL.md.
#pragma once

#include <cstdint>

namespace bus::bench {

struct RawFrame {
    std::uint64_t messages = 1;  // in one frame
    std::uint64_t frames = 1;    // for that many messages: above 1 if a message travels as parts
    std::uint64_t bytes = 0;     // of one frame
};

RawFrame raw_frame(std::uint32_t size, bool single);

// Frames that may be unacknowledged on the raw pipe.
inline constexpr std::uint64_t raw_frames_in_flight = 16;
inline constexpr std::uint64_t raw_single_frames_in_flight = 1024;

}  // namespace bus::bench
