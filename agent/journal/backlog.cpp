#include "journal/backlog.h"

#include <algorithm>

#include "base/assert.h"
#include "journal/checksum.h"
#include "limits.h"

namespace bus::journal {
namespace {

using core::BatchId;
using core::DestinationId;
using core::StreamId;

// Of one slice of a reading; about 10 ms.
constexpr std::size_t slice_entries = 16'384;
constexpr std::uint64_t slice_bytes = 2 * limits::MiB;
// Of one step of dropping.
constexpr std::uint64_t drop_entries = 1'024;

std::uint64_t key(const StreamId& stream) {
    return std::uint64_t{stream.to.value} << 2 | static_cast<std::uint64_t>(stream.lane);
}
StreamId stream_of(std::uint64_t key) {
    return {DestinationId{static_cast<std::uint32_t>(key >> 2)}, static_cast<wire::Lane>(key & 3)};
}
std::uint64_t lane_of(const StreamId& stream) { return static_cast<std::uint64_t>(stream.lane); }

// What a salvaged journal counts may be less than what it holds.
void take_from(std::uint64_t& total, std::uint64_t amount) { total -= std::min(total, amount); }

}  // namespace

Backlog::Backlog(Database& database, Channels& channels)
    : channels_(channels),
      insert_batch_{database,
                    "INSERT INTO batch (id, expires, source, owner, taken, for_group, checksum,"
                    " bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"},
      fetch_batch_{database,
                   "SELECT expires, checksum, source, bytes, taken, for_group, owner FROM batch"
                   " WHERE id = ?"},
      fetch_taken_{database, "SELECT taken FROM batch WHERE id = ?"},
      delete_batch_{database, "DELETE FROM batch WHERE id = ? RETURNING owner"},
      insert_entry_{database,
                    "INSERT INTO entry (destination, lane, batch, channel, flags, done, messages,"
                    " bytes, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"},
      find_entry_{database,
                  "SELECT max(messages - done, 0), bytes, channel, messages FROM entry"
                  " WHERE destination = ? AND lane = ? AND batch = ?"},
      delete_entry_{database, "DELETE FROM entry WHERE destination = ? AND lane = ? AND batch = ?"},
      set_done_{database,
                "UPDATE entry SET done = ?4 WHERE destination = ?1 AND lane = ?2 AND batch = ?3"},
      scan_{database,
            "SELECT batch, channel, flags, done, messages FROM entry"
            " WHERE destination = ? AND lane = ? AND batch > ? ORDER BY batch"},
      scan_due_{database,
                "SELECT batch, flags, done, messages, due FROM entry"
                " WHERE destination = ?1 AND lane = ?2 AND due > 0"
                " AND (due, batch) >= (?3, ?4) ORDER BY due, batch"},
      first_{database,
             "SELECT batch FROM entry WHERE destination = ? AND lane = ?"
             " ORDER BY batch LIMIT 1"},
      last_{database,
            "SELECT batch FROM entry WHERE destination = ? AND lane = ?"
            " ORDER BY batch DESC LIMIT 1"},
      find_shared_{database, "SELECT owes FROM shared WHERE batch = ?"},
      raise_shared_{database,
                    "INSERT INTO shared (batch, owes) VALUES (?, 2)"
                    " ON CONFLICT DO UPDATE SET owes = owes + 1"},
      lower_shared_{database, "UPDATE shared SET owes = owes - 1 WHERE batch = ?"},
      delete_shared_{database, "DELETE FROM shared WHERE batch = ?"},
      load_totals_{database, "SELECT destination, lane, entries, messages, bytes FROM stream"},
      write_totals_{database,
                    "INSERT INTO stream (destination, lane, entries, messages, bytes)"
                    " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET entries = excluded.entries,"
                    " messages = excluded.messages, bytes = excluded.bytes"},
      delete_totals_{database, "DELETE FROM stream WHERE destination = ? AND lane = ?"},
      drop_stream_{database, "DELETE FROM stream WHERE destination = ?"},
      load_dropped_{database, "SELECT destination, name, reason, buried FROM dropped"},
      insert_dropped_{database,
                      "INSERT INTO dropped (destination, type, name, agent, reason, buried)"
                      " VALUES (?1, coalesce((SELECT type FROM destination WHERE id = ?1), 0), ?2,"
                      " coalesce((SELECT agent FROM destination WHERE id = ?1), zeroblob(16)),"
                      " ?3, ?4) ON CONFLICT DO NOTHING"},
      delete_dropped_{database, "DELETE FROM dropped WHERE destination = ?"},
      scan_dropped_{database,
                    "SELECT lane, batch, max(messages - done, 0), bytes, channel, messages, done"
                    " FROM entry"
                    " WHERE destination = ? LIMIT ?"},
      batch_length_{database, "SELECT length(bytes) FROM batch WHERE id = ?"},
      quarantine_{database,
                  "INSERT INTO damaged (batch, found, reason, bytes) VALUES (?1, ?2, ?3, CASE WHEN"
                  " (SELECT count(*) FROM damaged) < 1000"
                  " THEN (SELECT bytes FROM batch WHERE id = ?1) END)"} {}

Status Backlog::load(std::uint64_t live_bytes, BatchId last_batch) {
    live_bytes_ = live_bytes;
    last_batch_ = last_batch;
    totals_.clear();
    changed_.clear();
    stored_.clear();
    stored_at_ = 0;
    dropping_.clear();
    while (load_totals_.next()) {
        const StreamId id{DestinationId{static_cast<std::uint32_t>(load_totals_.number(0))},
                          static_cast<wire::Lane>(load_totals_.number(1))};
        totals_[key(id)] = {.entries = load_totals_.number(2),
                            .messages = load_totals_.number(3),
                            .bytes = load_totals_.number(4)};
    }
    while (load_dropped_.next())
        dropping_.push_back(
            {.id = DestinationId{static_cast<std::uint32_t>(load_dropped_.number(0))},
             .reason = std::string{load_dropped_.text(2)},
             .name = std::string{load_dropped_.text(1)},
             .wall_micros = load_dropped_.number(3)});
    return load_totals_.status() != Status::ok ? load_totals_.status() : load_dropped_.status();
}

Status Backlog::put(const core::Put& put) {
    const Bytes bytes = put.batch.bytes();
    const auto& header = put.batch.header();
    const auto checksum = row_checksum(put.id, put.expires_wall_micros, header.group, bytes);
    const Status status = insert_batch_
                              .bind(put.id, put.expires_wall_micros, put.source, put.owner,
                                    put.taken_wall_micros, header.group, checksum, bytes)
                              .run();
    if (status != Status::ok) return status;
    const bool fresh = insert_batch_.changed();
    stored_.push_back({.id = put.id,
                       .channel = wire::order_hash(header),
                       .messages = header.message_count,
                       .bytes = bytes.size(),
                       .fresh = fresh,
                       .entries = fresh ? 0u : 1u});
    if (fresh) {
        live_bytes_ += bytes.size();
        channels_.add(stored_.back().channel, put.owner, header, bytes.size());
    }
    last_batch_ = std::max(last_batch_, put.id);
    return Status::ok;
}

// Owes follow their Put, or all Puts come first: both orders are found at once.
Backlog::Stored& Backlog::stored(BatchId id) {
    if (stored_at_ < stored_.size() && stored_[stored_at_].id == id) return stored_[stored_at_];
    if (stored_at_ + 1 < stored_.size() && stored_[stored_at_ + 1].id == id)
        return stored_[++stored_at_];
    const auto found = std::find_if(stored_.rbegin(), stored_.rend(),
                                    [&](const Stored& one) { return one.id == id; });
    if (found == stored_.rend()) stored_.push_back(look_up(id));
    stored_at_ = found == stored_.rend() ? stored_.size() - 1
                                         : static_cast<std::size_t>(stored_.rend() - found) - 1;
    return stored_[stored_at_];
}

// A batch of an earlier transaction that is now owed to one more. If it is gone or unreadable the
// entry is made all the same: whoever reads it back will name the loss.
Backlog::Stored Backlog::look_up(BatchId id) {
    Stored found{.id = id, .entries = 1};
    if (!fetch_batch_.bind(id).next()) return found;
    const Bytes bytes = fetch_batch_.blob(3);
    if (auto header = wire::decode_batch(bytes)) {
        header->group = fetch_batch_.text(5);
        found.channel = wire::order_hash(*header);
        found.messages = header->message_count;
        found.bytes = bytes.size();
    }
    fetch_batch_.reset();
    return found;
}

Status Backlog::owe(const core::Owe& owe) {
    Stored& batch = stored(owe.id);
    const Status status =
        insert_entry_
            .bind(owe.stream.to, lane_of(owe.stream), owe.id, batch.channel, owe.flags, owe.done,
                  batch.messages, batch.bytes, owe.due_wall_micros)
            .run();
    if (status != Status::ok) return status;
    if (insert_entry_.changed()) {
        Totals& stream = totals(owe.stream);
        ++stream.entries;
        stream.messages += batch.messages - std::min<std::uint64_t>(batch.messages, owe.done);
        stream.bytes += batch.bytes;
    } else if (!batch.fresh) {
        return Status::ok;  // said again
    }
    return ++batch.entries > 1 ? raise_shared_.bind(owe.id).run() : Status::ok;
}

void Backlog::end_submission() {
    for (const Stored& one : stored_) BUS_ASSERT(one.entries > 0);
    stored_.clear();
    stored_at_ = 0;
}

Backlog::Totals& Backlog::totals(const StreamId& stream) {
    Totals& found = totals_[key(stream)];
    if (!found.changed) changed_.push_back(key(stream));
    found.changed = true;
    return found;
}

std::optional<Backlog::Row> Backlog::find(const StreamId& stream, BatchId id) {
    const bool found = find_entry_.bind(stream.to, lane_of(stream), id).next();
    status_ = find_entry_.status();
    if (!found) return std::nullopt;
    const Row row{find_entry_.number(0), find_entry_.number(1), find_entry_.number(2),
                  find_entry_.number(3)};
    find_entry_.reset();
    return row;
}

Status Backlog::settle(const core::Settle& settle) {
    const auto row = find(settle.stream, settle.id);
    if (!row) return status_;
    const Status status = remove(settle.stream, settle.id, *row);
    return status == Status::ok ? release(settle.id, *row) : status;
}

Status Backlog::remove(const StreamId& stream, BatchId id, const Row& row) {
    if (totals_.contains(key(stream))) {  // not so for a dropped one
        Totals& left = totals(stream);
        take_from(left.entries, 1);
        take_from(left.messages, row.messages);
        take_from(left.bytes, row.bytes);
    }
    return delete_entry_.bind(stream.to, lane_of(stream), id).run();
}

// One entry less; the last one takes the batch with it.
Status Backlog::release(BatchId id, const Row& row) {
    std::uint64_t owes = 1;
    if (find_shared_.bind(id).next()) {
        owes = find_shared_.number(0);
        find_shared_.reset();
    }
    if (find_shared_.status() != Status::ok) return find_shared_.status();
    if (owes > 2) return lower_shared_.bind(id).run();
    if (owes == 2) return delete_shared_.bind(id).run();
    return forget_batch(id, row);
}

Status Backlog::forget_batch(BatchId id, const Row& row) {
    if (!delete_batch_.bind(id).next()) return delete_batch_.status();
    take_from(live_bytes_, row.bytes);
    channels_.remove(row.channel, delete_batch_.number(0), row.all_messages, row.bytes);
    return delete_batch_.run();
}

Status Backlog::progress(const core::Progress& progress) {
    const auto row = find(progress.stream, progress.id);
    if (!row) return status_;
    const Status status =
        set_done_.bind(progress.stream.to, lane_of(progress.stream), progress.id, progress.done)
            .run();
    const auto now = find(progress.stream, progress.id);
    if (status != Status::ok || !now) return status;
    Totals& stream = totals(progress.stream);
    take_from(stream.messages, row->messages);
    stream.messages += now->messages;
    return Status::ok;
}

Status Backlog::drop(const core::DropDestination& drop) {
    for (std::uint64_t lane = 0; lane < wire::lane_count; ++lane)
        totals_.erase(key({drop.id, static_cast<wire::Lane>(lane)}));
    if (std::ranges::find(dropping_, drop.id, &core::DropDestination::id) == dropping_.end())
        dropping_.push_back(drop);
    const Status status = drop_stream_.bind(drop.id).run();
    if (status != Status::ok) return status;
    return insert_dropped_
        .bind(drop.id, std::string_view{drop.name}, std::string_view{drop.reason}, drop.wall_micros)
        .run();
}

// What is buried is copied: of that a step takes less.
std::vector<Backlog::Doomed> Backlog::doomed_of(const core::DropDestination& dropped) {
    std::vector<Doomed> doomed;
    std::uint64_t bytes = 0;
    scan_dropped_.bind(dropped.id, drop_entries);
    while ((dropped.reason.empty() || bytes < slice_bytes) && scan_dropped_.next()) {
        doomed.push_back({{dropped.id, static_cast<wire::Lane>(scan_dropped_.number(0))},
                          BatchId{scan_dropped_.number(1)},
                          {scan_dropped_.number(2), scan_dropped_.number(3),
                           scan_dropped_.number(4), scan_dropped_.number(5)},
                          static_cast<std::uint32_t>(scan_dropped_.number(6))});
        bytes += scan_dropped_.number(3);
    }
    scan_dropped_.reset();
    return doomed;
}

Status Backlog::bury_one(const core::DropDestination& dropped, const Doomed& one, const Bury& bury,
                         std::vector<core::Damaged::Lost>& lost) {
    Reading reading{{.stream = one.stream, .after = {}, .channel = std::nullopt}};
    core::LoadedEntry entry{.id = one.id, .batch = {}};
    if (!fetch(reading, entry)) return status_;
    if (!entry.batch) {
        lost.push_back({one.stream, one.id, one.id, one.row.messages});
        return Status::ok;
    }
    return bury({.stream = one.stream,
                 .id = one.id,
                 .batch = entry.batch,
                 .first = one.done,
                 .count = entry.batch.messages() - std::min(one.done, entry.batch.messages()),
                 .reason = dropped.reason,
                 .wall_micros = dropped.wall_micros,
                 .name = dropped.name});
}

Status Backlog::drop_some(const Bury& bury, std::vector<core::Damaged::Lost>& lost) {
    const core::DropDestination dropped = dropping_.back();
    const auto doomed = doomed_of(dropped);
    Status status = scan_dropped_.status();
    for (const Doomed& one : doomed) {
        if (status == Status::ok && !dropped.reason.empty())
            status = bury_one(dropped, one, bury, lost);
        if (status == Status::ok) status = remove(one.stream, one.id, one.row);
        if (status == Status::ok) status = release(one.id, one.row);
    }
    if (status != Status::ok || !doomed.empty()) return status;
    dropping_.pop_back();
    return delete_dropped_.bind(dropped.id).run();
}

Status Backlog::write_totals() {
    for (const std::uint64_t one : changed_) {
        const auto found = totals_.find(one);
        if (found == totals_.end()) continue;  // dropped since
        Totals& now = found->second;
        const StreamId stream = stream_of(one);
        now.changed = false;
        Status status;
        if (now.entries > 0) {
            status =
                write_totals_.bind(stream.to, lane_of(stream), now.entries, now.messages, now.bytes)
                    .run();
        } else {
            status = delete_totals_.bind(stream.to, lane_of(stream)).run();
            totals_.erase(found);
        }
        if (status != Status::ok) return status;
    }
    changed_.clear();
    return Status::ok;
}

Status Backlog::quarantine(BatchId id, std::uint64_t incarnation, const std::string& reason,
                           std::vector<core::Damaged::Lost>& lost) {
    std::vector<std::uint64_t> streams;
    for (const auto& [stream, totals] : totals_) streams.push_back(stream);
    std::ranges::sort(streams);
    Row gone;
    for (const std::uint64_t one : streams) {
        const auto row = find(stream_of(one), id);
        if (status_ != Status::ok) return status_;
        if (!row) continue;
        gone = *row;
        lost.push_back({stream_of(one), id, id, row->messages});
        const Status status = remove(stream_of(one), id, *row);
        if (status != Status::ok) return status;
    }
    for (const auto& dropped : dropping_)  // where it stays until its turn comes
        for (std::uint64_t lane = 0; gone.channel == 0 && lane < wire::lane_count; ++lane) {
            if (const auto row = find({dropped.id, static_cast<wire::Lane>(lane)}, id)) gone = *row;
            if (status_ != Status::ok) return status_;
        }
    Status status = quarantine_.bind(id, incarnation, std::string_view{reason}).run();
    if (status == Status::ok) status = delete_shared_.bind(id).run();
    if (status == Status::ok && batch_length_.bind(id).next()) {
        gone.bytes = batch_length_.number(0);
        batch_length_.reset();
    }
    return status == Status::ok ? forget_batch(id, gone) : status;
}

// At most limits::stream_read_back of them, so in one slice.
Backlog::Slice Backlog::read_due(Reading& reading) {
    const auto& request = reading.request;
    auto& entries = reading.loaded.entries;
    scan_due_.bind(request.stream.to, lane_of(request.stream), *request.due_wall_micros,
                   request.after);
    while (scan_due_.next()) {
        if (!entries.empty() &&
            (reading.bytes >= request.bytes || entries.size() >= limits::stream_read_back_entries))
            return scan_due_.reset(), Slice::finished;
        core::LoadedEntry entry{.id = BatchId{scan_due_.number(0)}, .batch = {}};
        entry.flags = static_cast<std::uint8_t>(scan_due_.number(1));
        entry.done = static_cast<std::uint32_t>(scan_due_.number(2));
        entry.messages = static_cast<std::uint32_t>(scan_due_.number(3));
        entry.due_wall_micros = scan_due_.number(4);
        if (!fetch(reading, entry)) return scan_due_.reset(), Slice::failed;
        reading.bytes += entry.batch ? entry.batch.size() : 1;
        entries.push_back(std::move(entry));
    }
    status_ = scan_due_.status();
    reading.loaded.last = status_ == Status::ok;
    return status_ == Status::ok ? Slice::finished : Slice::failed;
}

Backlog::Slice Backlog::read(Reading& reading) {
    if (reading.request.due_wall_micros) return read_due(reading);
    const auto& request = reading.request;
    auto& entries = reading.loaded.entries;
    std::uint64_t bytes = 0;
    scan_.bind(request.stream.to, lane_of(request.stream), reading.scanned);
    for (std::size_t looked = 0; scan_.next(); ++looked) {
        const bool enough =
            !entries.empty() &&
            (reading.bytes >= request.bytes || entries.size() >= limits::stream_read_back_entries);
        if (enough || looked == slice_entries || bytes > slice_bytes) {
            scan_.reset();
            return enough ? Slice::finished : Slice::unfinished;
        }
        core::LoadedEntry entry{.id = BatchId{scan_.number(0)}, .batch = {}};
        entry.flags = static_cast<std::uint8_t>(scan_.number(2));
        entry.done = static_cast<std::uint32_t>(scan_.number(3));
        entry.messages = static_cast<std::uint32_t>(scan_.number(4));
        const Wanted wanted = is_wanted(reading, entry.id, scan_.number(1));
        if (wanted == Wanted::too_young) {
            scan_.reset();
            reading.loaded.last = true;
            return Slice::finished;
        }
        if (wanted == Wanted::failed) return scan_.reset(), Slice::failed;
        if (wanted == Wanted::yes) {
            if (!fetch(reading, entry)) return scan_.reset(), Slice::failed;
            const std::uint64_t size = entry.batch ? entry.batch.size() : 1;
            reading.bytes += size;
            bytes += size;
            entries.push_back(std::move(entry));
        }
        reading.scanned = reading.loaded.looked_at = BatchId{scan_.number(0)};
    }
    status_ = scan_.status();
    reading.loaded.last = status_ == Status::ok;
    return status_ == Status::ok ? Slice::finished : Slice::failed;
}

Backlog::Wanted Backlog::is_wanted(Reading& reading, BatchId id, std::uint64_t channel) {
    const auto& request = reading.request;
    if (request.channel && channel != *request.channel) return Wanted::no;
    if (!request.old) return Wanted::yes;
    auto covered = reading.covered.find(channel);
    if (covered == reading.covered.end()) {
        if (reading.covered.size() >= limits::routes_max) reading.covered.clear();
        std::optional<wire::ChannelKey> key;
        status_ = channels_.look_up(channel, key);
        if (status_ != Status::ok) return Wanted::failed;
        const bool is = key && request.old->channels.covers(key->kind, key->name);
        covered = reading.covered.emplace(channel, is).first;
    }
    if (!covered->second) return Wanted::no;
    if (fetch_taken_.bind(id).next()) {
        const std::uint64_t taken = fetch_taken_.number(0);
        fetch_taken_.reset();
        if (taken < request.old->before_wall_micros) return Wanted::yes;
        reading.loaded.next_taken_wall_micros = taken;
        return Wanted::too_young;
    }
    status_ = fetch_taken_.status();
    return status_ == Status::ok ? Wanted::yes : Wanted::failed;  // missing: to be named as damaged
}

// Leaves the batch empty, and notes it, if its row is missing or does not verify.
bool Backlog::fetch(Reading& reading, core::LoadedEntry& entry) {
    const bool found = fetch_batch_.bind(entry.id).next();
    status_ = fetch_batch_.status();
    if (!found && status_ != Status::ok) return false;
    if (found) {
        entry.expires_wall_micros = fetch_batch_.number(0);
        entry.source = core::DestinationId{static_cast<std::uint32_t>(fetch_batch_.number(2))};
        entry.taken_wall_micros = fetch_batch_.number(4);
        entry.owner = fetch_batch_.number(6);
        const Bytes bytes = fetch_batch_.blob(3);
        const std::string_view group = fetch_batch_.text(5);
        if (row_checksum(entry.id, entry.expires_wall_micros, group, bytes) ==
            fetch_batch_.number(1)) {
            auto batch = core::OwnedBatch::make({bytes.begin(), bytes.end()});
            if (batch) entry.batch = core::for_group(std::move(*batch), group);
        }
        fetch_batch_.reset();
    }
    if (!entry.batch) reading.damaged.push_back(entry.id);
    return true;
}

Status Backlog::describe(std::vector<core::Recovered::Stream>& streams) {
    for (const auto& [stream, totals] : totals_) {
        const StreamId id = stream_of(stream);
        core::Recovered::Stream found{.id = id,
                                      .entries = totals.entries,
                                      .messages = totals.messages,
                                      .bytes = totals.bytes,
                                      .first = {},
                                      .last = {},
                                      .oldest_wall_micros = 0};
        if (first_.bind(id.to, lane_of(id)).next()) found.first = BatchId{first_.number(0)};
        if (last_.bind(id.to, lane_of(id)).next()) found.last = BatchId{last_.number(0)};
        first_.reset();
        last_.reset();
        if (fetch_batch_.bind(found.first).next())
            found.oldest_wall_micros = fetch_batch_.number(4);
        fetch_batch_.reset();
        if (fetch_batch_.status() != Status::ok) return fetch_batch_.status();
        if (first_.status() != Status::ok) return first_.status();
        if (last_.status() != Status::ok) return last_.status();
        streams.push_back(found);
    }
    std::ranges::sort(streams, {}, &core::Recovered::Stream::id);
    return Status::ok;
}

}  // namespace bus::journal
