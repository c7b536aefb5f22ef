// The only place that reads the system's clocks and its randomness.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/id.h"
#include "base/time.h"

namespace bus {

// What condition variables wait by; it stands still while the host sleeps.
using WaitClock = std::chrono::steady_clock;

// CLOCK_BOOTTIME.
Time boot_now() noexcept;

// Microseconds since 1970, UTC; may jump.
std::uint64_t wall_micros() noexcept;

// Fills from getrandom(2); aborts if the kernel has none to give.
void random_bytes(std::span<std::byte> out) noexcept;
std::uint64_t random_u64() noexcept;

template <class Id>
Id random_id() noexcept {
    return Id{{random_u64(), random_u64()}};
}

}  // namespace bus
