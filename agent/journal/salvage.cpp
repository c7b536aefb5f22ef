#include "journal/salvage.h"

#include <array>

#include "journal/checksum.h"

namespace bus::journal {
namespace {

using core::BatchId;
using core::Damaged;

struct Table {
    std::string_view name, key;
};
// All but shared, stream and channel, which are counted anew, and the notes about earlier damage.
constexpr std::array tables{
    Table{"meta", "id"},
    Table{"destination", "id"},
    Table{"dropped", "destination"},
    Table{"peer", "id"},
    Table{"peer_mark", "peer"},
    Table{"producer_mark", "producer"},
    Table{"given_up", "producer, first_sequence"},
    Table{"interest", "peer, kind, name, filter, group_name"},
    Table{"tombstone", "kind, name, filter, group_name"},
    Table{"account", "destination"},
    Table{"gap", "destination"},
    Table{"entry", "destination, lane, batch"},
    Table{"batch", "id"},
    Table{"dead_letter", "id"},
    Table{"last_value", "id"},
};
constexpr std::size_t rows_per_commit = 1'024;  // so that the log stays small

// The key in the other direction: every column of it.
std::string descending(std::string_view key) {
    std::string order;
    for (const char c : key) order += c == ',' ? std::string{" DESC,"} : std::string{c};
    return order + " DESC";
}

void commit_and_go_on(Database& fresh) {
    fresh.require("COMMIT");
    if (const Status status = fresh.checkpoint(); status != Status::ok)
        throw DatabaseFailed(status, fresh.message());
    fresh.require("BEGIN IMMEDIATE");
}

// false: it ended in damage.
bool copy(Database& old, Database& fresh, const Table& table, const std::string& order) {
    const std::string name{table.name};
    Statement row{old, "SELECT * FROM " + name + " ORDER BY " + order};
    std::string values = "?";
    for (int column = 1; column < row.columns(); ++column) values += ", ?";
    Statement insert{fresh, "INSERT OR IGNORE INTO " + name + " VALUES (" + values + ")"};
    for (std::size_t count = 1; row.next(); ++count) {
        insert.bind_row(row);
        if (const Status status = insert.run(); status != Status::ok)
            throw DatabaseFailed(status, fresh.message());
        if (count % rows_per_commit == 0) commit_and_go_on(fresh);
    }
    return row.status() == Status::ok;
}

void copy_readable(Database& old, Database& fresh, const Table& table) {
    try {
        if (!copy(old, fresh, table, std::string{table.key}))
            copy(old, fresh, table, descending(table.key));
    } catch (const DatabaseFailed& failed) {
        if (failed.status != Status::corrupt) throw;
        // A table whose very root is gone: the others may still be read.
    }
}

// Runs of ids without a gap become one range.
void add(std::vector<Damaged::Lost>& lost, core::StreamId stream, BatchId id,
         std::uint64_t messages) {
    if (!lost.empty() && lost.back().stream == stream && lost.back().last.next() == id) {
        lost.back().last = id;
        lost.back().messages += messages;
    } else {
        lost.push_back({stream, id, id, messages});
    }
}

std::vector<Damaged::Lost> find_lost(Database& fresh) {
    std::vector<Damaged::Lost> lost;
    Statement entry{fresh,
                    "SELECT destination, lane, batch, max(messages - done, 0) FROM entry"
                    " WHERE batch NOT IN (SELECT id FROM batch)"
                    " ORDER BY destination, lane, batch"};
    while (entry.next())
        add(lost,
            {core::DestinationId{static_cast<std::uint32_t>(entry.number(0))},
             static_cast<wire::Lane>(entry.number(1))},
            BatchId{entry.number(2)}, entry.number(3));
    Statement batch{fresh,
                    "SELECT id FROM batch"
                    " WHERE id NOT IN (SELECT batch FROM entry) ORDER BY id"};
    while (batch.next()) add(lost, {}, BatchId{batch.number(0)}, 0);
    return lost;
}

constexpr char make_consistent[] = R"(
    DELETE FROM entry WHERE batch NOT IN (SELECT id FROM batch);
    INSERT INTO damaged (batch, found, reason, bytes)
        SELECT id, 0, 'nobody knows any more where it was owed', bytes FROM batch
        WHERE id NOT IN (SELECT batch FROM entry) LIMIT 1000;
    DELETE FROM batch WHERE id NOT IN (SELECT batch FROM entry);
    INSERT INTO shared
        SELECT batch, count(*) FROM entry GROUP BY batch HAVING count(*) > 1;
    INSERT INTO stream
        SELECT destination, lane, count(*), sum(max(messages - done, 0)), sum(bytes)
        FROM entry WHERE destination NOT IN (SELECT destination FROM dropped)
        GROUP BY destination, lane;
    UPDATE channel SET batches = total.batches, messages = total.messages, bytes = total.bytes
        FROM (SELECT channel, batch.owner AS owner, count(*) AS batches,
                     sum(messages) AS messages, sum(length(bytes)) AS bytes
              FROM (SELECT DISTINCT channel, batch, messages FROM entry) JOIN batch ON id = batch
              GROUP BY channel, batch.owner) AS total
        WHERE hash = total.channel AND channel.owner = total.owner;
    UPDATE meta SET
        live_bytes = (SELECT coalesce(sum(length(bytes)), 0) FROM batch),
        dead_letters = (SELECT coalesce(sum(count), 0) FROM dead_letter),
        dead_bytes = (SELECT coalesce(sum(length(bytes)), 0) FROM dead_letter);
)";

// By what one of its batches says of itself: the first or the last, as far as they can be read.
void name_channels(Database& fresh) {
    Statement batch{
        fresh,
        "SELECT id, bytes, expires, checksum, for_group, owner FROM batch WHERE id IN"
        " (SELECT min(id) FROM entry JOIN batch ON id = batch GROUP BY channel, owner"
        "  UNION"
        "  SELECT max(id) FROM entry JOIN batch ON id = batch GROUP BY channel, owner)"};
    Statement insert{fresh, "INSERT OR IGNORE INTO channel VALUES (?, ?, ?, ?, 0, 0, 0)"};
    while (batch.next()) {
        const Bytes bytes = batch.blob(1);
        const std::string group{batch.text(4)};
        if (row_checksum(BatchId{batch.number(0)}, batch.number(2), group, bytes) !=
            batch.number(3))
            continue;
        auto header = wire::decode_batch(bytes);
        if (!header) continue;
        header->group = group;
        const Status status = insert
                                  .bind(wire::order_hash(*header), batch.number(5),
                                        static_cast<std::uint64_t>(header->kind), header->channel)
                                  .run();
        if (status != Status::ok) throw DatabaseFailed(status, fresh.message());
    }
}

}  // namespace

std::vector<Damaged::Lost> salvage(const std::string& damaged, Database& fresh) {
    // A connection of its own: what fails in there must not touch this transaction.
    Database old{damaged};
    if (old.execute("PRAGMA locking_mode = EXCLUSIVE") != Status::ok) return {};
    old.skip_checkpoint_on_close();
    old.persist_wal();
    fresh.require("BEGIN IMMEDIATE");
    for (const Table& table : tables) copy_readable(old, fresh, table);
    const auto lost = find_lost(fresh);
    name_channels(fresh);
    fresh.require(make_consistent);
    fresh.require("COMMIT");
    return lost;
}

}  // namespace bus::journal
