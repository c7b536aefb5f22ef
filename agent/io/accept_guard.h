// Keeps the agent alive when it runs out of file descriptors.
//
// libzmq aborts the process when accept(2) says EMFILE on an ipc listener,
// and spins on a TCP one (FACTS trap B). The agent therefore brings its own
// accept and accept4, which the dynamic linker prefers to libc's for libzmq
// too: without descriptors they give up a reserved one, take the connection
// with it, close it at once (the stranger sees an end, the listener is not
// asked again for ever) and answer ECONNABORTED, which libzmq expects.
#pragma once

#include <cstdint>

namespace bus::io {

// Raises the soft limit of descriptors to the hard one and reserves one. Call once, at start.
void guard_accept();

// Connections turned away since the start. Any thread.
std::uint64_t connections_refused() noexcept;

// The limit in force.
std::uint64_t descriptors_max() noexcept;

}  // namespace bus::io
