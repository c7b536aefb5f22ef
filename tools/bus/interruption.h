// Ctrl-C and SIGTERM as something to wait for: a descriptor that becomes
// readable. The first asks the command to end in good order, the second ends
// the process at once, unless the command wants to see that one as well.
#pragma once

#include <atomic>
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

    // From now on second_fd() is readable after the second, and the third ends the process.
    void await_second() const noexcept { second_awaited_ = true; }
    int second_fd() const noexcept { return second_; }

  private:
    void watch();

    int signals_ = -1;
    const int asked_, second_, over_;
    mutable std::atomic<bool> second_awaited_ = false;
    std::thread watcher_;
};

}  // namespace bus::cli
