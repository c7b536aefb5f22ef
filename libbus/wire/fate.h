// What a receipt tells: how far a message has come, and what became of it.
#pragma once

#include <cstdint>

namespace bus::wire {

enum class Stage : std::uint8_t { safe = 0, arrived = 1, consumed = 2 };
enum class Fate : std::uint8_t {
    reached = 0,
    expired = 1,
    dead_lettered = 2,
    lapsed = 3,
    unknown = 4,  // may have arrived; the agent cannot tell any more
};

}  // namespace bus::wire
