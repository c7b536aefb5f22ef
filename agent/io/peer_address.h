// Who an app is: what the kernel says of the other end of an ipc connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bus::io {

// The uid in libzmq's "Peer-Address" of an ipc frame, "<host>:<uid>:<gid>:<pid>". Read from the
// right: only the last three are the kernel's for certain. nullopt: not of that form.
std::optional<std::uint32_t> uid_of(std::string_view peer_address);

}  // namespace bus::io
