// What libbus would put on the wire for a load, so that the raw pipe carries
// the same batches: how many messages in a frame, and how long it is.
#pragma once

#include <cstdint>
#include <vector>

namespace bus::bench {

struct RawFrames {
    std::uint64_t messages = 1;        // in these frames together
    std::vector<std::uint64_t> bytes;  // of each; several if a message travels as parts
};

RawFrames raw_frames(std::uint32_t size, bool single);

}  // namespace bus::bench
