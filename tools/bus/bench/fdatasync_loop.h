// The disk's own limit: append as much as one commit may gather, fdatasync,
// again. What is fsynced before its receipt cannot be faster.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace bus::bench {

// Appends of `bytes` each to a new file in `folder`, which is removed again. Returns appends per
// second. Throws Error if the disk does not take them.
double fdatasync_appends_per_second(const std::filesystem::path& folder, std::uint64_t bytes,
                                    std::chrono::duration<double> length);

}  // namespace bus::bench
