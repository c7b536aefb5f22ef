// The journal of agent/core/journal.h as a map that crashes. Submissions become
// durable in order, at times drawn from the seed; between durable and reported
// lies a gap in which a crash leaves a commit applied although nobody heard of
// it. A commit may fail: full (what only settles still passes), or in doubt,
// and then what one sees of it may be gone after the next crash.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "core/journal.h"
#include "disk.h"
#include "random.h"

namespace bus::sim {

struct JournalTempo {
    Duration commit_min = std::chrono::microseconds{200}, commit_max = std::chrono::milliseconds{3};
    Duration report_max = std::chrono::microseconds{200};
    Duration read_max = std::chrono::milliseconds{2};
    std::uint64_t in_doubt_per_mille = 0;  // of the commits
    std::uint64_t failed_per_mille = 0;    // of the commits: I/O error before anything was written
};

class FakeJournal {
  public:
    explicit FakeJournal(std::uint64_t seed) : random_(seed) {}

    // Commits the new incarnation and says what was there before.
    core::Recovered open(AgentId agent, std::uint64_t incarnation);
    void submit(core::Transaction transaction, Time now);
    void read(core::ReadBack request, Time now);
    void find(core::FindDeadLetters request, Time now);

    // When advance has something to do.
    Time next_due() const;
    // Does what is due; the answers in order.
    std::vector<core::JournalAnswer> advance(Time now);

    // An orderly end: what was submitted is committed, unless the disk is full.
    void stop();
    // The process is gone: what was not durable never happened. Times start anew.
    void crash();

    void set_tempo(const JournalTempo& tempo) { tempo_ = tempo; }
    // The file system is full: only what frees room is taken. Or has room for that many bytes.
    void set_full(bool full) { full_ = full; }
    void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }

    // What a crash now would leave.
    const Disk& durable() const { return doubtful_ ? durable_ : visible_; }
    const Disk& visible() const { return visible_; }
    // Replaces everything; only while the process is down.
    void restore(Disk disk);
    // Damages one of its durable rows, the `nth`; false if there is none.
    bool spoil(std::uint64_t nth);

    // Transactions made durable since the last call, with what they changed.
    std::vector<core::Transaction> take_applied();
    std::uint64_t batches_written() const { return batches_written_; }

  private:
    using Question = std::variant<core::ReadBack, core::FindDeadLetters>;
    using Request = std::variant<core::Transaction, Question>;
    enum class Phase { idle, writing, reporting, reading };

    void begin(Time now);
    void begin_commit(Time now);
    void write();
    bool fits(const core::Transaction& transaction, std::uint64_t& room) const;
    void decide();
    void do_read();
    void read_back(const core::ReadBack& request);
    bool is_urgent() const;
    core::JournalSpace space() const;
    void commit(const core::Transaction& transaction);
    bool is_full() const { return full_ || visible_.live_bytes() >= capacity_; }
    void look_for_room(Time now);
    void doubt();
    void watch(const core::Transaction& transaction);
    void tell_watched();

    Random random_;
    JournalTempo tempo_;
    bool full_ = false;
    std::uint64_t capacity_ = UINT64_MAX;

    Disk visible_;
    Disk durable_;  // while doubtful_: visible_ without what is in doubt
    bool doubtful_ = false;
    std::vector<core::Transaction> applied_;
    std::uint64_t batches_written_ = 0;

    // Of this process.
    std::deque<Request> waiting_;
    Time idle_since_{};
    Phase phase_ = Phase::idle;
    Time due_ = never;
    std::vector<core::Transaction> writing_;
    std::optional<Question> reading_;
    std::vector<core::JournalAnswer> answers_;
    bool dropping_ = false;  // until the core has heard of the failure
    core::Submission through_;
    core::Watch watch_;
    std::vector<core::Watched::Total> told_;  // of what is watched
    Time retry_at_ = never;  // after it was full: when to look whether there is room again
};

}  // namespace bus::sim
