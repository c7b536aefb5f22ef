// A file that takes up room so that there is some left when the disk is full:
// deleting what was acknowledged needs space too.
#pragma once

#include <cstdint>
#include <string>

namespace bus::journal {

class Ballast {
  public:
    Ballast(std::string path, std::uint64_t bytes);

    // true: it is there, in full. Makes it if there is room.
    bool load() noexcept;
    // true: there was something to release.
    bool release() noexcept;
    std::uint64_t bytes() const noexcept { return bytes_; }

  private:
    std::string path_;
    std::uint64_t bytes_;
};

// Fills `path` up to `bytes` with written zeros, so that later writes there need no more room.
// false: no room; what was there is left as it was.
bool reserve(const std::string& path, std::uint64_t bytes) noexcept;

// What the file system of `path` has left for this process, in bytes.
std::uint64_t free_bytes(const std::string& path) noexcept;
std::uint64_t file_bytes(const std::string& path) noexcept;

}  // namespace bus::journal
