// From the public API's words to the session's, and back.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "bus/channel.h"
#include "bus/error.h"
#include "session/outgoing.h"

namespace bus::client {

wire::Kind to_wire(Channel::Kind kind) noexcept;
wire::Lane to_wire(Priority priority) noexcept;
Priority to_public(wire::Lane lane) noexcept;

// The headers are encoded into a buffer of the calling thread, which the next call overwrites.
// Throws Error: headers too large, a negative lifetime.
session::Outgoing compose(wire::Kind kind, std::string_view channel, Payload payload,
                          const PublishOptions& options);

// The errors for what is no name, and no filter; they say what one looks like.
Error no_name(std::string_view text, std::string_view of_what);
Error no_filter(std::string_view text);

// "2.5 s".
std::string in_seconds(std::chrono::milliseconds time);

}  // namespace bus::client
