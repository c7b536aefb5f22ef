// The batches in the journal and the streams that owe them: the tables batch,
// entry, shared, stream and dropped (and, by way of Channels, channel). Every method but load() and
// read() runs within the store's transaction; after a rollback the store calls load().
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "core/journal.h"
#include "journal/channels.h"
#include "journal/sqlite.h"

namespace bus::journal {

// A ReadBack on its way, in slices, so that a search for one channel through a
// long stream does not keep commits waiting.
struct Reading {
    explicit Reading(core::ReadBack asked) : request(asked), scanned(asked.after) {
        loaded.request = asked;
    }
    core::ReadBack request;
    core::BatchId scanned;  // entries up to here have been looked at
    std::uint64_t bytes = 0;
    core::Loaded loaded;
    std::vector<core::BatchId> damaged;  // in `loaded` without bytes; to be quarantined
    // Where only old ones are asked for: is a channel, by its hash, among theirs?
    std::unordered_map<std::uint64_t, bool> covered;
};

class Backlog {
  public:
    Backlog(Database& database, Channels& channels);
    // Reads the totals from disk; needed once and after each rollback.
    [[nodiscard]] Status load(std::uint64_t live_bytes, core::BatchId last_batch);

    // Repeating what is there already is harmless, in all of these.
    [[nodiscard]] Status put(const core::Put& put);
    [[nodiscard]] Status owe(const core::Owe& owe);
    [[nodiscard]] Status settle(const core::Settle& settle);
    [[nodiscard]] Status progress(const core::Progress& progress);
    // The stream is gone at once; drop_some() deletes what was in it.
    [[nodiscard]] Status drop(const core::DropDestination& drop);
    // A slice of a dropped destination; `bury` gets what is to become a dead letter, and `lost`
    // what should have but is damaged. Call while is_dropping().
    using Bury = std::function<Status(const core::Bury& bury)>;
    [[nodiscard]] Status drop_some(const Bury& bury, std::vector<core::Damaged::Lost>& lost);
    bool is_dropping() const noexcept { return !dropping_.empty(); }
    // The end of one of the core's transactions; every Put in it must be owed.
    void end_submission();
    // Before the commit: totals of the streams that changed.
    [[nodiscard]] Status write_totals();

    // Takes a damaged batch out of all its streams, keeps its bytes in `damaged`, and says what is
    // lost.
    [[nodiscard]] Status quarantine(core::BatchId id, std::uint64_t incarnation,
                                    const std::string& reason,
                                    std::vector<core::Damaged::Lost>& lost);

    enum class Slice { finished, unfinished, failed };
    // `failed`: status() says how; the reading may be tried again.
    Slice read(Reading& reading);
    Status status() const noexcept { return status_; }

    // With the first and last entries, one look each.
    [[nodiscard]] Status describe(std::vector<core::Recovered::Stream>& streams);
    std::uint64_t live_bytes() const noexcept { return live_bytes_; }
    core::BatchId last_batch() const noexcept { return last_batch_; }

  private:
    struct Totals {
        std::uint64_t entries = 0, messages = 0, bytes = 0;
        bool changed = false;
    };
    // A batch of this submission, while its Owes arrive.
    struct Stored {
        core::BatchId id;
        std::uint64_t channel = 0, messages = 0, bytes = 0;
        bool fresh = false;
        std::uint32_t entries = 0;
    };
    struct Row {
        std::uint64_t messages = 0, bytes = 0;  // messages: not acknowledged yet
        std::uint64_t channel = 0;              // hash
        std::uint64_t all_messages = 0;         // of the batch
    };

    Stored& stored(core::BatchId id);
    Stored look_up(core::BatchId id);
    Totals& totals(const core::StreamId& stream);
    std::optional<Row> find(const core::StreamId& stream, core::BatchId id);
    Status remove(const core::StreamId& stream, core::BatchId id, const Row& row);
    Status release(core::BatchId id, const Row& row);
    Status forget_batch(core::BatchId id, const Row& row);
    // A row that was scanned: is it asked for?
    enum class Wanted { yes, no, too_young, failed };
    Slice read_due(Reading& reading);
    Wanted is_wanted(Reading& reading, core::BatchId id, std::uint64_t channel);
    bool fetch(Reading& reading, core::LoadedEntry& entry);
    struct Doomed {
        core::StreamId stream;
        core::BatchId id;
        Row row;
        std::uint32_t done = 0;
    };
    std::vector<Doomed> doomed_of(const core::DropDestination& dropped);
    Status bury_one(const core::DropDestination& dropped, const Doomed& one, const Bury& bury,
                    std::vector<core::Damaged::Lost>& lost);

    Channels& channels_;
    // Of the streams that have entries, by key().
    std::unordered_map<std::uint64_t, Totals> totals_;
    std::vector<std::uint64_t> changed_;
    std::vector<Stored> stored_;
    std::size_t stored_at_ = 0;
    std::vector<core::DropDestination> dropping_;
    std::uint64_t live_bytes_ = 0;
    core::BatchId last_batch_;
    Status status_ = Status::ok;

    Statement insert_batch_, fetch_batch_, fetch_taken_, delete_batch_;
    Statement insert_entry_, find_entry_, delete_entry_, set_done_, scan_, scan_due_, first_, last_;
    Statement find_shared_, raise_shared_, lower_shared_, delete_shared_;
    Statement load_totals_, write_totals_, delete_totals_, drop_stream_;
    Statement load_dropped_, insert_dropped_, delete_dropped_, scan_dropped_;
    Statement batch_length_, quarantine_;
};

}  // namespace bus::journal
