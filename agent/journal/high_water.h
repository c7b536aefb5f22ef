// How far the journal has come, in a small file beside it: written after each
// commit, synced at checkpoints. A database that is behind it has lost commits
// that were reported, which SQLite alone cannot see: it takes a WAL that is
// damaged in the middle for one that ends there. A mark that is behind, gone
// or torn says nothing.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "core/journal.h"

namespace bus::journal {

class HighWater {
  public:
    struct Mark {
        std::uint64_t commits = 0;
        std::uint64_t incarnation = 0;
        core::BatchId last_batch;
        friend bool operator==(const Mark&, const Mark&) = default;
    };

    // Opens or creates. Throws bus::Error.
    explicit HighWater(const std::string& path);

    // What was found at opening; zeros if nothing was.
    const Mark& found() const noexcept { return found_; }
    // Where the disk does not take it the mark falls behind, which is harmless.
    void write(const Mark& mark) noexcept;
    void sync() noexcept;

  private:
    UniqueFd fd_;
    Mark found_;
};

}  // namespace bus::journal
