// A database that is open, with all its tables: what a Store loses when the
// disk fails and gets anew when it opens again.
#pragma once

#include "journal/backlog.h"
#include "journal/channels.h"
#include "journal/dead_letters.h"
#include "journal/last_values.h"
#include "journal/open_database.h"
#include "journal/registry.h"
#include "journal/store.h"

namespace bus::journal {

struct Store::Open {
    explicit Open(Database opened) : database(std::move(opened)) {}
    // Reads what the tables keep in memory. A new journal has no meta yet: it stays as it is.
    [[nodiscard]] Status load() {
        std::optional<Meta> found;
        Status status = registry.load_meta(found);
        if (status != Status::ok) return status;
        if (found) meta = *found;
        status = dead_letters.load(meta.dead_letters, meta.dead_bytes);
        if (status == Status::ok) status = channels.load();
        if (status != Status::ok) return status;
        return backlog.load(meta.live_bytes, meta.last_batch);
    }
    // Within a transaction, before its commit.
    [[nodiscard]] Status save() {
        Status status = backlog.write_totals();
        if (status == Status::ok) status = channels.write();
        if (status != Status::ok) return status;
        ++meta.commits;
        meta.last_batch = std::max(meta.last_batch, backlog.last_batch());
        meta.live_bytes = backlog.live_bytes();
        meta.dead_letters = dead_letters.count();
        meta.dead_bytes = dead_letters.bytes();
        status = registry.save_meta(meta);
        return status == Status::ok ? make_room() : status;
    }
    // What is in the log must fit into the database: a checkpoint that finds no room would leave a
    // log that only grows, and no way to settle anything.
    [[nodiscard]] Status make_room() {
        const std::uint64_t needed = count(pages) * page_bytes;
        if (needed <= allocated) return Status::ok;
        const Status status = database.reserve(needed);
        if (status == Status::ok) allocated = needed;
        return status;
    }
    static std::uint64_t count(Statement& pragma) {
        const std::uint64_t value = pragma.next() ? pragma.number(0) : 0;
        pragma.reset();
        return value;
    }

    Database database;
    Meta meta;
    std::uint64_t allocated = 0;  // bytes that the database file has on disk
    Registry registry{database};
    Channels channels{database};
    Backlog backlog{database, channels};
    DeadLetters dead_letters{database};
    LastValues last_values{database};
    Statement begin{database, "BEGIN IMMEDIATE"};
    Statement commit{database, "COMMIT"};
    Statement pages{database, "PRAGMA page_count"};
    Statement free_pages{database, "PRAGMA freelist_count"};
};

}  // namespace bus::journal
