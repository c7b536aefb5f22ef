// What is in the journal by channel: the table channel, kept with each
// transaction; and of it, what the core wants to be told (core::Watch).
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/journal.h"
#include "journal/sqlite.h"

namespace bus::journal {

class Channels {
  public:
    explicit Channels(Database& database);
    // Once, and after each rollback: what was not committed is forgotten.
    [[nodiscard]] Status load();

    // Within the store's transaction: a batch has come, or is gone. `hash`: of kind and name.
    void add(std::uint64_t hash, const wire::BatchHeader& header, std::uint64_t bytes);
    void remove(std::uint64_t hash, std::uint64_t bytes);
    // From now on this is told; what it replaces is not any more.
    [[nodiscard]] Status watch(const core::Watch& watch);
    // Before the commit.
    [[nodiscard]] Status write();

    // Of a channel that something is there of.
    [[nodiscard]] Status look_up(std::uint64_t hash, std::optional<wire::ChannelKey>& found);

    // After a commit: what is watched, if any of it has changed since it was taken last.
    std::optional<core::Watched> take_changed();

  private:
    struct Row {
        wire::ChannelKey channel;
        std::uint64_t batches = 0, bytes = 0;
    };
    struct Change {
        wire::ChannelKey channel;  // without a name: nothing has come of it
        std::uint64_t batches_added = 0, batches_removed = 0;
        std::uint64_t bytes_added = 0, bytes_removed = 0;
    };
    static Row row_of(const Statement& row);
    Status find(std::uint64_t hash, std::optional<Row>& found);
    Status write(std::uint64_t hash, const Change& change);
    Status count_watched();
    void note(const wire::ChannelKey& channel, std::uint64_t was, std::uint64_t is);

    std::unordered_map<std::uint64_t, Change> changes_;  // by hash
    core::Watch watch_;
    std::vector<std::uint64_t> watched_bytes_;
    bool changed_ = false;

    Statement find_, put_, delete_, scan_;
};

}  // namespace bus::journal
