// Why something from outside was not taken: one list for both wires, with the
// codes that travel.
#pragma once

#include <cstdint>
#include <string_view>

namespace bus::wire {

enum class Reject : std::uint8_t {
    none = 0,
    malformed = 1,     // does not decode, or lengths do not add up
    bad_checksum = 2,  // damaged on the way
    bad_version = 3,   // a protocol this side does not speak
    bad_name = 4,      // of a channel, filter or subscription
    too_large = 5,
    not_allowed = 6,  // by a rule
    no_hello = 7,     // a frame before the session was opened
    unknown_command = 8,
    limit = 9,    // a named limit is reached; try again later
    in_use = 10,  // the durable name has a consumer with another filter, ...
    not_found = 11,
    unavailable = 12,  // the agent is stopping or its journal cannot take it now
};

std::string_view to_text(Reject reject);

}  // namespace bus::wire
