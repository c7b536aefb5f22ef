// Ctrl-C and SIGTERM as something to wait for: a descriptor that becomes
// readable. The first asks the command to end in good order, the second ends
// the process at once.
#pragma once

#include <chrono>
#include <thread>

namespace bus::cli {

class Interruption {
  public:
    Interruption();
    ~Interruption();
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;

    // Blocks both signals for this thread and all that it starts, and ignores SIGPIPE. Once, in
    // main, before any other thread.
    void begin();

    // Readable once asked to end; never read from it.
    int fd() const noexcept { return asked_; }
    bool asked() const noexcept;
    // Waits for it. false: it did not come in this time.
    bool comes_within(std::chrono::milliseconds time) const noexcept;

  private:
    void watch();

    int signals_ = -1;
    const int asked_, over_;
    std::thread watcher_;
};

}  // namespace bus::cli
