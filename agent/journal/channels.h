// What is in the journal by channel and owner: the table channel, kept with
// each transaction; and of it, what the core wants to be told (core::Watch).
#pragma once

#include <cstddef>
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
    void add(std::uint64_t hash, core::Owner owner, const wire::BatchHeader& header,
             std::uint64_t bytes);
    void remove(std::uint64_t hash, core::Owner owner, std::uint64_t messages, std::uint64_t bytes);
    // From now on this is told; what it replaces is not any more.
    [[nodiscard]] Status watch(const core::Watch& watch);
    // Before the commit.
    [[nodiscard]] Status write();

    // Of a channel that something is there of.
    [[nodiscard]] Status look_up(std::uint64_t hash, std::optional<wire::ChannelKey>& found);

    // After a commit: what is watched, if any of it has changed since it was taken last.
    std::optional<core::Watched> take_changed();

  private:
    struct Key {
        std::uint64_t hash = 0;
        core::Owner owner = 0;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept {
            return static_cast<std::size_t>(key.hash + key.owner);
        }
    };
    struct Count {
        std::uint64_t batches = 0, messages = 0, bytes = 0;
    };
    struct Row {
        wire::ChannelKey channel;
        Count count;
    };
    struct Change {
        wire::ChannelKey channel;  // without a name: nothing has come of it
        Count added, removed;
    };
    static Row row_of(const Statement& row);
    Status find(const Key& key, std::optional<Row>& found);
    Status write(const Key& key, const Change& change);
    Status count_watched();
    void note(const wire::ChannelKey& channel, core::Owner owner, const Count& was,
              const Count& is);

    std::unordered_map<Key, Change, KeyHash> changes_;
    core::Watch watch_;
    std::vector<core::Watched::Total> totals_;  // of what is watched
    bool changed_ = false;

    Statement find_, find_any_, put_, delete_, scan_;
};

}  // namespace bus::journal
