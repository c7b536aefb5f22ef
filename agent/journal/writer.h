// The journal's one thread. The loop thread submits and takes answers; while a
// commit syncs, the next one gathers here. What is not urgent waits for
// something that is, or limits::journal_idle_flush.
//
// After Failed or Undecided the core has to see it before anything more is
// written: what was submitted meanwhile is dropped, until take_answers() has
// handed the failure over.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/time.h"
#include "base/unique_fd.h"
#include "journal/store.h"

namespace bus::journal {

class Writer {
  public:
    // Starts the thread.
    explicit Writer(std::unique_ptr<Store> store);
    // Commits what was submitted, closes the journal, ends the thread.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Loop thread. None of these waits for the disk.
    void submit(core::Transaction transaction);
    void read(const core::ReadBack& request);
    void find(core::FindDeadLetters request);
    // Everything that was answered since; resets fd(). Appends.
    void take_answers(Answers& answers);
    // Readable while answers wait.
    int fd() const noexcept { return ready_.get(); }

  private:
    void run();
    // Waits until there is something to do and takes what was submitted. false: it is over.
    bool wait_for_work();
    void commit_group();
    void read_slice();
    void find_slice();
    void retry_if_due();
    void tidy_if_due();
    void hand_over();
    bool has_taken() const noexcept { return taken_at_ < taken_.size(); }

    // Journal thread only.
    std::unique_ptr<Store> store_;
    std::vector<core::Transaction> taken_;  // being written, from taken_at_
    std::size_t taken_at_ = 0;
    std::optional<Reading> reading_;
    std::optional<DeadLetterSearch> search_;
    Answers fresh_;
    bool failed_ = false;  // fresh_ has a failure
    Time retry_at_ = never, tidy_at_ = never;

    // Between the threads, under mutex_.
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<core::Transaction> submitted_;
    Time flush_at_ = never;  // when what was submitted has to be committed
    std::deque<core::ReadBack> reads_;
    std::deque<core::FindDeadLetters> searches_;
    Answers answers_;
    bool unseen_failure_ = false;
    bool stopping_ = false;

    // Constant after construction.
    const UniqueFd ready_;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace bus::journal
