// What the two ends of a link have in common: the socket options, and the way
// between frames and the core.
#pragma once

#include <string>

#include "core/exchange.h"
#include "io/socket.h"
#include "io/told.h"

namespace bus::io {

struct LinkKeys {
    std::string public_key, secret_key;  // Z85
    friend bool operator==(const LinkKeys&, const LinkKeys&) = default;
};

// Heartbeats, timeouts and marks of a socket that carries links (FACTS section 2).
void set_link_options(Socket& socket);

// Hands a peer's frame to the exchange: a batch, a control frame, or what is neither.
void take_link_frame(core::Exchange& exchange, core::LinkId link, Frame&& frame, Told& told,
                     Time now);

// May this frame begin a session?
bool is_hello(const Frame& frame);

Frame frame_for(const core::ToLink& out);

}  // namespace bus::io
