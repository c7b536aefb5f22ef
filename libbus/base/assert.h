// BUS_ASSERT states what must be true if this program has no bug. It stays on
// in release builds: an agent that no longer knows what it owes must stop
// before it writes that to disk. Never for input from outside.
#pragma once

namespace bus {

// Prints the expression and its place to standard error and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace bus

#define BUS_ASSERT(expression) \
    ((expression) ? void(0) : ::bus::assertion_failed(#expression, __FILE__, __LINE__))
