// A folder of its owner's own (mode 0700), gone with everything in it when the owner is.
#pragma once

#include <filesystem>

namespace bus::bench {

class TemporaryFolder {
  public:
    // Throws Error if `parent` does not take one.
    explicit TemporaryFolder(const std::filesystem::path& parent);
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace bus::bench
