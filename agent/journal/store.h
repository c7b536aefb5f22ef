// The journal itself, synchronously: changes in, answers out, all on the
// caller's thread (the writer's, once that has it). Owns the database and the
// files beside it: PATH-lock, PATH-mark (high water), PATH-ballast.
//
// States: open; open and full (new data is refused, everything else goes on);
// closed after the disk failed, to be opened again by the next retry().
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/journal.h"
#include "journal/backlog.h"
#include "journal/ballast.h"
#include "journal/dead_letters.h"
#include "journal/high_water.h"
#include "journal/lock_file.h"
#include "limits.h"

namespace bus::journal {

struct StoreOptions {
    std::string path;
    AgentId agent;                  // from the identity file; a journal of another agent is refused
    std::uint64_t wall_micros = 0;  // now: the incarnation is at least this, in milliseconds
    std::uint64_t max_bytes = limits::journal_bytes_default;
    std::uint64_t min_free = limits::journal_min_free_default;
    std::uint64_t wal_bytes = 32 * limits::MiB;  // reserved for the log, and its size at rest
    std::uint64_t ballast_bytes = limits::ballast_bytes;
    const char* vfs = nullptr;  // of SQLite's, by name; tests use one that fails
};

using Answers = std::vector<core::JournalAnswer>;

class Store {
  public:
    // Opens or creates and commits a new incarnation. Throws bus::Error where a person has to act;
    // damage is no such reason, it is told in recovered().damage.
    explicit Store(StoreOptions options);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // What was found; to be moved out once.
    core::Recovered& recovered() noexcept { return recovered_; }

    // Commits the group in one transaction of SQLite's and answers. false: not all of it was
    // taken; what follows must be dropped until the core has seen the answer.
    [[nodiscard]] bool apply(std::span<const core::Transaction> group, Answers& answers);

    // One slice of a reading. finished: `reading.loaded` is the answer, to be given after those
    // added here. failed: the disk cannot be read now, try again after retry().
    Backlog::Slice read(Reading& reading, Answers& answers);

    // A slice of looking for dead letters. true: `search.found` is the answer. Otherwise it is to
    // be called again, once the journal is open.
    bool find(DeadLetterSearch& search);

    // One small step of what has time: deletions of dropped streams, giving space back to the file
    // system. false: nothing is left to do. What turned out to be damaged is answered.
    bool tidy(Answers& answers);

    // After a failure: opens again, leaves the state `full`. To be called every
    // limits::journal_retry while needs_retry().
    void retry(Answers& answers);
    bool needs_retry() const noexcept { return full_ || !open_; }
    bool is_open() const noexcept { return open_ != nullptr; }
    // tidy() should not wait until there is nothing else to do.
    bool is_dropping() const noexcept;

    core::JournalSpace space() const noexcept { return space_; }

  private:
    struct Open;
    struct Attempt {
        Status status = Status::ok;
        bool undecided = false;  // it failed within the commit itself
        std::string reason;
    };

    std::unique_ptr<Open> open_or_set_aside();
    std::unique_ptr<Open> begin_anew(const std::string& why, core::Damaged& damaged);
    void begin_incarnation();
    void check_high_water(std::vector<core::Damaged>& damage);
    void load_everything(Open& open);
    void close_broken(Status why) noexcept;
    bool reopen(Answers& answers);

    std::size_t admitted(std::span<const core::Transaction> group) const;
    Attempt attempt(std::span<const core::Transaction> group);
    Attempt in_transaction(const std::function<Status()>& work);
    Attempt undo(Status status, bool undecided, std::string reason);
    Status carry_out(const core::Change& change);
    void committed();
    void refuse(core::Submission number, const Attempt& failed, Answers& answers);
    bool become_full();
    bool leave_full();
    bool checkpoint();
    bool carried_out(const std::function<Status()>& work);
    bool has_room(std::uint64_t more) const;
    std::string limit_reached() const;
    void quarantine(Reading& reading, Answers& answers);
    Status bury(const core::Bury& bury);
    bool drop_some(Answers& answers);
    void measure();
    void tell_watched(Answers& answers);

    const StoreOptions options_;
    LockFile lock_;
    HighWater high_water_;
    Ballast ballast_;
    std::unique_ptr<Open> open_;  // null: closed after a failure
    bool full_ = false;
    bool ballast_held_ = false;
    bool damaged_ = false;  // what was closed has to be set aside
    bool shrunk_ = false;   // pages were given back, but the file is as long as it was
    std::string reason_;    // of the last failure
    // As of the last commit; they outlive the database that has failed.
    std::uint64_t commits_ = 0, incarnation_ = 0;
    core::BatchId last_batch_;
    core::Submission through_;
    core::Watch watch_;
    std::uint64_t used_bytes_ = 0, log_bytes_ = 0, spare_pages_ = 0;
    core::JournalSpace space_;
    core::Recovered recovered_;
};

}  // namespace bus::journal
