// What the edges saw that an operator should know, beside the core's own
// events and in the same words; and what they counted. Loop thread only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/effects.h"

namespace bus::io {

// Since the start. All of them are harmless to the agent; each is somebody's mistake.
struct Counters {
    std::uint64_t malformed_local = 0;  // frames of apps that are not the protocol's
    std::uint64_t malformed_admin = 0;
    std::uint64_t malformed_link = 0;
    std::uint64_t strangers_refused = 0;  // link handshakes with a key that is no peer's
    std::uint64_t handshakes_failed = 0;  // on a listening link socket, for any other reason
    std::uint64_t revoked_frames = 0;     // of connections older than their key's removal
    std::uint64_t unknown_sessions = 0;   // data or acks without hello: answered with reset
    std::uint64_t unreachable = 0;        // frames for an app or a peer that had just left
    std::uint64_t local_connections = 0;  // open now
    std::uint64_t link_connections = 0;   // accepted and open now
    // On a listening link socket, since the start. Their difference is what failed, also in ways
    // libzmq has no event for, and what is open and not that far yet.
    std::uint64_t links_accepted = 0, links_handshaken = 0;
};

// All ways to a peer have failed, once more.
struct FailedDial {
    std::string peer;   // as the configuration names it
    std::string words;  // why, with the addresses
};

struct Told {
    Counters counters;
    std::vector<core::Event> events;
    std::vector<FailedDial> failed_dials;

    void say(core::Event::Kind kind, Time at, std::string subject, std::string words) {
        events.push_back({.kind = kind,
                          .at = at,
                          .subject = std::move(subject),
                          .words = std::move(words),
                          .messages = 0,
                          .batch = {}});
    }
};

}  // namespace bus::io
