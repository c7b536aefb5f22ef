// What a large message costs others on the same link: the latency of small
// messages on another channel alone, and while it passes.
#pragma once

#include <cstdint>

#include "bench/agent_pair.h"
#include "bench/histogram.h"
#include "bench/path.h"

namespace bus::bench {

struct BesideLarge {
    Load load;  // of the small ones
    double rate = 0;
    Histogram alone, beside;
    std::uint64_t lost = 0;
    std::uint64_t bytes = 0;  // of the large one
    double seconds = 0;       // from its first byte written to its last byte read
    // Resident memory at its highest.
    std::uint64_t near_bytes = 0, far_bytes = 0, writer_bytes = 0, reader_bytes = 0;

    double ratio(double share) const;
};

// `run` alone, half of it before and half after; and as a whole while the large message passes.
// Throws Error if that was through before.
BesideLarge measure_beside_large(AgentPair& agents, const Load& load, const Run& run,
                                 std::uint64_t bytes, int interruption);

}  // namespace bus::bench
