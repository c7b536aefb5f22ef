#include "journal/channels.h"

#include <algorithm>
#include <utility>

namespace bus::journal {
namespace {

constexpr std::uint64_t number_of(wire::Kind kind) { return static_cast<std::uint64_t>(kind); }

// What a salvaged journal counts may be less than what it holds.
std::uint64_t less(std::uint64_t total, std::uint64_t amount) {
    return total - std::min(total, amount);
}

}  // namespace

Channels::Channels(Database& database)
    : find_{database,
            "SELECT kind, name, batches, messages, bytes FROM channel"
            " WHERE hash = ? AND owner = ?"},
      find_any_{database,
                "SELECT kind, name, batches, messages, bytes FROM channel WHERE hash = ? LIMIT 1"},
      put_{database,
           "REPLACE INTO channel (hash, owner, kind, name, batches, messages, bytes)"
           " VALUES (?, ?, ?, ?, ?, ?, ?)"},
      delete_{database, "DELETE FROM channel WHERE hash = ? AND owner = ?"},
      scan_{database, "SELECT kind, name, batches, messages, bytes, owner FROM channel"} {}

Status Channels::load() {
    changes_.clear();
    return count_watched();
}

void Channels::add(std::uint64_t hash, core::Owner owner, const wire::BatchHeader& header,
                   std::uint64_t bytes) {
    Change& change = changes_[{hash, owner}];
    if (change.channel.name.empty()) change.channel = {header.kind, std::string{header.channel}};
    ++change.added.batches;
    change.added.messages += header.message_count;
    change.added.bytes += bytes;
}

void Channels::remove(std::uint64_t hash, core::Owner owner, std::uint64_t messages,
                      std::uint64_t bytes) {
    Change& change = changes_[{hash, owner}];
    ++change.removed.batches;
    change.removed.messages += messages;
    change.removed.bytes += bytes;
}

Status Channels::watch(const core::Watch& watch) {
    watch_ = watch;
    return count_watched();
}

Status Channels::count_watched() {
    totals_.assign(watch_.all.size(), {});
    changed_ = !watch_.all.empty();
    if (!changed_) return Status::ok;
    while (scan_.next()) {
        const Row row = row_of(scan_);
        note(row.channel, scan_.number(5), {}, row.count);
    }
    return scan_.status();
}

Status Channels::write() {
    for (const auto& [key, change] : changes_)
        if (const Status status = write(key, change); status != Status::ok) return status;
    changes_.clear();
    return Status::ok;
}

Status Channels::write(const Key& key, const Change& change) {
    std::optional<Row> found;
    if (const Status status = find(key, found); status != Status::ok) return status;
    if (!found && change.channel.name.empty()) return Status::ok;
    const Row was = found ? std::move(*found) : Row{.channel = change.channel, .count = {}};
    Count is{.batches = less(was.count.batches + change.added.batches, change.removed.batches),
             .messages = less(was.count.messages + change.added.messages, change.removed.messages),
             .bytes = less(was.count.bytes + change.added.bytes, change.removed.bytes)};
    if (is.batches == 0) is = {};
    note(was.channel, key.owner, was.count, is);
    if (is.batches == 0) return found ? delete_.bind(key.hash, key.owner).run() : Status::ok;
    return put_
        .bind(key.hash, key.owner, number_of(was.channel.kind), std::string_view{was.channel.name},
              is.batches, is.messages, is.bytes)
        .run();
}

void Channels::note(const wire::ChannelKey& channel, core::Owner owner, const Count& was,
                    const Count& is) {
    if (was.bytes == is.bytes && was.messages == is.messages) return;
    for (std::size_t at = 0; at < watch_.all.size(); ++at) {
        const core::Watch::Of& of = watch_.all[at];
        if (of.owner != 0 && of.owner != owner) continue;
        if (!of.channels.covers(channel.kind, channel.name)) continue;
        totals_[at].bytes = less(totals_[at].bytes + is.bytes, was.bytes);
        totals_[at].messages = less(totals_[at].messages + is.messages, was.messages);
        changed_ = true;
    }
}

Channels::Row Channels::row_of(const Statement& row) {
    return {.channel = {static_cast<wire::Kind>(row.number(0)), std::string{row.text(1)}},
            .count = {row.number(2), row.number(3), row.number(4)}};
}

Status Channels::find(const Key& key, std::optional<Row>& found) {
    if (find_.bind(key.hash, key.owner).next()) {
        found = row_of(find_);
        find_.reset();
    }
    return find_.status();
}

Status Channels::look_up(std::uint64_t hash, std::optional<wire::ChannelKey>& found) {
    if (find_any_.bind(hash).next()) {
        found = row_of(find_any_).channel;
        find_any_.reset();
    }
    return find_any_.status();
}

std::optional<core::Watched> Channels::take_changed() {
    if (!std::exchange(changed_, false)) return std::nullopt;
    return core::Watched{.version = watch_.version, .all = totals_};
}

}  // namespace bus::journal
