#include "journal/dead_letters.h"

#include <algorithm>

#include "journal/checksum.h"

namespace bus::journal {
namespace {

using core::BatchId;
using core::DeadLetter;
using core::DeadLetterId;

// Of one slice of a search; about 10 ms.
constexpr std::size_t slice_letters = 4'096;

constexpr char columns[] =
    "SELECT id, destination, type, name, agent, lane, batch, count, kind, channel, producer,"
    " sequence, message, part, parts, attempts, taken, buried, reason, size, for_group"
    " FROM dead_letter";

DeadLetter letter_of(const Statement& row) {
    DeadLetter letter{.id = DeadLetterId{row.number(0)},
                      .type = static_cast<core::Destination::Type>(row.number(2)),
                      .destination = core::DestinationId{static_cast<std::uint32_t>(row.number(1))},
                      .name = std::string{row.text(3)},
                      .agent = row.id<AgentId>(4),
                      .lane = static_cast<wire::Lane>(row.number(5)),
                      .channel = {static_cast<wire::Kind>(row.number(8)), std::string{row.text(9)}},
                      .producer = row.id<ProducerId>(10),
                      .sequence = row.number(11),
                      .messages = static_cast<std::uint32_t>(row.number(7)),
                      .bytes = row.number(19),
                      .part = std::nullopt,
                      .group = std::string{row.text(20)},
                      .attempts = static_cast<std::uint32_t>(row.number(15)),
                      .taken_wall_micros = row.number(16),
                      .buried_wall_micros = row.number(17),
                      .reason = std::string{row.text(18)},
                      .batch = {}};
    if (row.number(12) > 0)
        letter.part = wire::Part{.first_sequence = row.number(12),
                                 .index = static_cast<std::uint32_t>(row.number(13)),
                                 .total = static_cast<std::uint32_t>(row.number(14))};
    return letter;
}

std::string select(const char* where) { return std::string{columns} + where; }

}  // namespace

DeadLetters::DeadLetters(Database& database)
    : insert_{database,
              "INSERT INTO dead_letter (destination, type, name, agent, lane, batch, first, count,"
              " kind, channel, producer, sequence, message, part, parts, attempts, taken, buried,"
              " reason, for_group, size, checksum, bytes) VALUES (?1,"
              " coalesce((SELECT type FROM destination WHERE id = ?1),"
              "  (SELECT type FROM dropped WHERE destination = ?1), 0),"
              " coalesce(nullif(?2, ''), (SELECT name FROM destination WHERE id = ?1), ''),"
              " coalesce((SELECT agent FROM destination WHERE id = ?1),"
              "  (SELECT agent FROM dropped WHERE destination = ?1), zeroblob(16)),"
              " ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"
              " ?21)"
              " ON CONFLICT DO NOTHING"},
      fetch_row_{database, "SELECT expires, checksum, bytes, for_group FROM batch WHERE id = ?"},
      oldest_{database, "SELECT id, count, size FROM dead_letter ORDER BY id LIMIT 1"},
      size_{database, "SELECT count, size FROM dead_letter WHERE id = ?"},
      delete_{database, "DELETE FROM dead_letter WHERE id = ?"},
      last_ever_{database, "SELECT seq FROM sqlite_sequence WHERE name = 'dead_letter'"},
      inserted_{database, "SELECT last_insert_rowid()"},
      scan_{database, select(" WHERE id > ? AND id <= ? ORDER BY id")},
      one_{database, select(" WHERE id = ?")},
      siblings_{database,
                "SELECT id FROM dead_letter"
                " WHERE producer = ? AND message = ? AND destination = ? AND for_group = ?"
                " AND message > 0"},
      parts_behind_{database,
                    "SELECT count(DISTINCT part) FROM dead_letter WHERE producer = ?"
                    " AND message = ? AND destination = ? AND for_group = ? AND message > 0"
                    " AND part > ?"},
      fetch_{database, "SELECT batch, checksum, bytes FROM dead_letter WHERE id = ?"} {}

Status DeadLetters::load(std::uint64_t count, std::uint64_t bytes) {
    count_ = count;
    bytes_ = bytes;
    last_ = last_ever_.next() ? DeadLetterId{last_ever_.number(0)} : DeadLetterId{};
    const Status status = last_ever_.status();
    last_ever_.reset();
    return status;
}

// ---- Burying ---------------------------------------------------------------------------------

Status DeadLetters::bury(const core::Bury& bury) {
    if (bury.batch) return insert(bury, bury.batch.bytes(), bury.batch.header().group);
    if (!fetch_row_.bind(bury.id).next()) return fetch_row_.status();
    const Bytes row = fetch_row_.blob(2);
    const std::string group{fetch_row_.text(3)};
    const bool intact =
        row_checksum(bury.id, fetch_row_.number(0), group, row) == fetch_row_.number(1);
    const std::vector<std::byte> bytes(row.begin(), row.end());
    fetch_row_.reset();
    return intact ? insert(bury, bytes, group) : Status::ok;
}

// What is none of these messages is delivered, or a dead letter of its own.
Status DeadLetters::insert(const core::Bury& bury, Bytes batch, std::string_view group) {
    const auto header = wire::decode_batch(batch);
    const bool has_them =
        header && bury.count > 0 && std::uint64_t{bury.first} + bury.count <= header->message_count;
    if (!has_them) return Status::ok;
    const auto cut = wire::cut_batch(batch, *header, bury.first, bury.count);
    const wire::Part part = header->part.value_or(wire::Part{});
    const Status status =
        insert_
            .bind(bury.stream.to, std::string_view{bury.name},
                  static_cast<std::uint64_t>(bury.stream.lane), bury.id, bury.first, bury.count,
                  static_cast<std::uint64_t>(header->kind), header->channel, header->producer,
                  header->sequence + bury.first, part.first_sequence, part.index, part.total,
                  bury.attempts, bury.taken_wall_micros, bury.wall_micros,
                  std::string_view{bury.reason}, group, cut.size(),
                  row_checksum(bury.id, 0, group, cut), Bytes{cut})
            .run();
    if (status != Status::ok || !insert_.changed()) return status;
    count_ += bury.count;
    bytes_ += cut.size();
    if (inserted_.next()) last_ = DeadLetterId{inserted_.number(0)};
    inserted_.reset();
    return inserted_.status();
}

Status DeadLetters::drop(DeadLetterId id) {
    if (!size_.bind(id).next()) return size_.status();
    const std::uint64_t count = size_.number(0), bytes = size_.number(1);
    size_.reset();
    return remove(id, count, bytes);
}

Status DeadLetters::remove(DeadLetterId id, std::uint64_t count, std::uint64_t bytes) {
    count_ -= std::min(count_, count);
    bytes_ -= std::min(bytes_, bytes);
    return delete_.bind(id).run();
}

Status DeadLetters::keep_within(std::uint64_t bytes_max) {
    while (bytes_ > bytes_max && oldest_.next()) {
        const DeadLetterId id{oldest_.number(0)};
        const std::uint64_t count = oldest_.number(1), bytes = oldest_.number(2);
        oldest_.reset();
        dropped_ += count;
        if (const Status status = remove(id, count, bytes); status != Status::ok) return status;
    }
    return oldest_.status();
}

// ---- Finding -----------------------------------------------------------------------------------

bool DeadLetters::find_some(DeadLetterSearch& search) {
    status_ = Status::ok;
    if (search.found.request.filter.ids.empty()) return find_in_order(search);
    return expand(search) && find_by_id(search);
}

bool DeadLetters::is_enough(const DeadLetterSearch& search) const {
    const auto& request = search.found.request;
    return !request.totals && !search.found.letters.empty() &&
           (search.found.letters.size() >= request.letters_max ||
            search.bytes >= request.bytes_max);
}

bool DeadLetters::find_in_order(DeadLetterSearch& search) {
    const auto& filter = search.found.request.filter;
    scan_.bind(search.scanned, filter.through);
    for (std::size_t looked = 0; scan_.next(); ++looked) {
        const bool enough = is_enough(search);
        if (enough || looked == slice_letters) return scan_.reset(), enough;
        DeadLetter letter = letter_of(scan_);
        search.scanned = letter.id;
        if (filter.covers(letter) && !take(search, std::move(letter))) return scan_.reset(), false;
    }
    status_ = scan_.status();
    search.found.last = status_ == Status::ok;
    return search.found.last;
}

bool DeadLetters::find_by_id(DeadLetterSearch& search) {
    const auto& filter = search.found.request.filter;
    for (auto at = std::ranges::upper_bound(search.ids, search.scanned);
         at != search.ids.end() && *at <= filter.through; ++at) {
        if (is_enough(search)) return true;
        const bool found = one_.bind(*at).next();
        status_ = one_.status();
        if (status_ != Status::ok) return false;
        search.scanned = *at;
        if (!found) continue;
        DeadLetter letter = letter_of(one_);
        one_.reset();
        if (filter.covers(letter) && !take(search, std::move(letter))) return false;
    }
    search.found.last = true;
    return true;
}

bool DeadLetters::expand(DeadLetterSearch& search) {
    if (search.expanded) return true;
    for (const DeadLetterId id : search.found.request.filter.ids) {
        search.ids.push_back(id);
        if (!one_.bind(id).next()) continue;
        const DeadLetter letter = letter_of(one_);
        one_.reset();
        if (!letter.part) continue;
        siblings_.bind(letter.producer, letter.part->first_sequence, letter.destination,
                       std::string_view{letter.group});
        while (siblings_.next()) search.ids.push_back(DeadLetterId{siblings_.number(0)});
    }
    std::ranges::sort(search.ids);
    const auto again = std::ranges::unique(search.ids);
    search.ids.erase(again.begin(), again.end());
    status_ = one_.status() != Status::ok ? one_.status() : siblings_.status();
    search.expanded = status_ == Status::ok;
    return search.expanded;
}

bool DeadLetters::take(DeadLetterSearch& search, DeadLetter letter) {
    if (search.found.request.totals) return search.found.count(letter), true;
    if (search.found.request.with_batches && !fetch(letter)) return false;
    search.bytes += letter.bytes;
    search.found.letters.push_back(std::move(letter));
    return true;
}

bool DeadLetters::fetch(DeadLetter& letter) {
    if (fetch_.bind(letter.id).next()) {
        const Bytes bytes = fetch_.blob(2);
        if (row_checksum(BatchId{fetch_.number(0)}, 0, letter.group, bytes) == fetch_.number(1))
            letter.batch = core::for_group(
                core::OwnedBatch::make({bytes.begin(), bytes.end()}).value_or(core::Batch{}),
                letter.group);
        fetch_.reset();
    }
    status_ = fetch_.status();
    if (status_ != Status::ok || !letter.part) return status_ == Status::ok;
    const bool counted = parts_behind_
                             .bind(letter.producer, letter.part->first_sequence, letter.destination,
                                   std::string_view{letter.group}, letter.part->index)
                             .next();
    letter.has_rest =
        counted && parts_behind_.number(0) + 1 == letter.part->total - letter.part->index;
    parts_behind_.reset();
    status_ = parts_behind_.status();
    return status_ == Status::ok;
}

}  // namespace bus::journal
