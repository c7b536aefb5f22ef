// A VFS of SQLite's that does what the default one does, until it is told to
// fail. One at a time; the journal's thread meets the faults, the test's sets
// them.
#pragma once

#include <atomic>

namespace bus::journal {

class FaultyVfs {
  public:
    FaultyVfs();
    ~FaultyVfs();
    FaultyVfs(const FaultyVfs&) = delete;
    FaultyVfs& operator=(const FaultyVfs&) = delete;

    static constexpr const char* name = "faulty";

    // The next so many calls fail, or all of them while it is negative.
    struct Faults {
        std::atomic<int> syncs = 0;   // with EIO
        std::atomic<int> writes = 0;  // with EIO
        std::atomic<int> room = 0;    // writes, with ENOSPC
        std::atomic<int> reads = 0;   // with EIO
    };
    static Faults& faults();
};

}  // namespace bus::journal
