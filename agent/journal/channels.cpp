#include "journal/channels.h"

#include <algorithm>

namespace bus::journal {
namespace {

constexpr std::uint64_t number_of(wire::Kind kind) { return static_cast<std::uint64_t>(kind); }

// What a salvaged journal counts may be less than what it holds.
std::uint64_t less(std::uint64_t total, std::uint64_t amount) {
    return total - std::min(total, amount);
}

}  // namespace

Channels::Channels(Database& database)
    : find_{database, "SELECT kind, name, batches, bytes FROM channel WHERE hash = ?"},
      put_{database,
           "REPLACE INTO channel (hash, kind, name, batches, bytes) VALUES (?, ?, ?, ?, ?)"},
      delete_{database, "DELETE FROM channel WHERE hash = ?"},
      scan_{database, "SELECT kind, name, batches, bytes FROM channel"} {}

Status Channels::load() {
    changes_.clear();
    return count_watched();
}

void Channels::add(std::uint64_t hash, const wire::BatchHeader& header, std::uint64_t bytes) {
    Change& change = changes_[hash];
    if (change.channel.name.empty()) change.channel = {header.kind, std::string{header.channel}};
    ++change.batches_added;
    change.bytes_added += bytes;
}

void Channels::remove(std::uint64_t hash, std::uint64_t bytes) {
    Change& change = changes_[hash];
    ++change.batches_removed;
    change.bytes_removed += bytes;
}

Status Channels::watch(const core::Watch& watch) {
    watch_ = watch;
    return count_watched();
}

Status Channels::count_watched() {
    watched_bytes_.assign(watch_.filters.size(), 0);
    changed_ = !watch_.filters.empty();
    if (!changed_) return Status::ok;
    while (scan_.next()) {
        const Row row = row_of(scan_);
        note(row.channel, 0, row.bytes);
    }
    return scan_.status();
}

Status Channels::write() {
    for (const auto& [hash, change] : changes_)
        if (const Status status = write(hash, change); status != Status::ok) return status;
    changes_.clear();
    return Status::ok;
}

Status Channels::write(std::uint64_t hash, const Change& change) {
    std::optional<Row> found;
    if (const Status status = find(hash, found); status != Status::ok) return status;
    if (!found && change.channel.name.empty()) return Status::ok;
    const Row was = found ? std::move(*found) : Row{.channel = change.channel};
    const auto batches = less(was.batches + change.batches_added, change.batches_removed);
    const auto bytes = less(was.bytes + change.bytes_added, change.bytes_removed);
    note(was.channel, was.bytes, batches == 0 ? 0 : bytes);
    if (batches == 0) return found ? delete_.bind(hash).run() : Status::ok;
    return put_
        .bind(hash, number_of(was.channel.kind), std::string_view{was.channel.name}, batches, bytes)
        .run();
}

void Channels::note(const wire::ChannelKey& channel, std::uint64_t was, std::uint64_t is) {
    if (was == is) return;
    for (std::size_t at = 0; at < watch_.filters.size(); ++at) {
        if (!watch_.filters[at].covers(channel.kind, channel.name)) continue;
        watched_bytes_[at] = less(watched_bytes_[at] + is, was);
        changed_ = true;
    }
}

Channels::Row Channels::row_of(const Statement& row) {
    return {.channel = {static_cast<wire::Kind>(row.number(0)), std::string{row.text(1)}},
            .batches = row.number(2),
            .bytes = row.number(3)};
}

Status Channels::find(std::uint64_t hash, std::optional<Row>& found) {
    if (find_.bind(hash).next()) {
        found = row_of(find_);
        find_.reset();
    }
    return find_.status();
}

Status Channels::look_up(std::uint64_t hash, std::optional<wire::ChannelKey>& found) {
    std::optional<Row> row;
    const Status status = find(hash, row);
    if (row) found = std::move(row->channel);
    return status;
}

std::optional<core::Watched> Channels::take_changed() {
    if (!std::exchange(changed_, false)) return std::nullopt;
    return core::Watched{.version = watch_.version, .bytes = watched_bytes_};
}

}  // namespace bus::journal
