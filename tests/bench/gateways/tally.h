// What all gateways together have done and seen; counts, each since the start
// unless it says otherwise.
#pragma once

#include <cstdint>

namespace bus::bench {

struct Tally {
    std::uint64_t open = 0;          // sessions, now
    std::uint64_t synchronised = 0;  // now: the hub has read the snapshot of the session
    std::uint64_t dials = 0, without_socket = 0, handshakes = 0, losses = 0;
    std::uint64_t published = 0, resent = 0, acknowledged = 0;  // messages
    std::uint64_t window_full = 0;                              // times a message had to wait
    std::uint64_t holds = 0, refusals = 0, resets = 0, gaps = 0, malformed = 0;
    friend bool operator==(const Tally&, const Tally&) = default;
};

}  // namespace bus::bench
