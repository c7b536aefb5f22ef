// SIGTERM asks a program of the fault tests to end when it has done what it holds.
#pragma once

#include <atomic>
#include <csignal>

namespace bus::fault {

inline std::atomic<bool> stopping = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

inline void stop_on_sigterm() {
    std::signal(SIGTERM, [](int) { stopping = true; });
}

}  // namespace bus::fault
