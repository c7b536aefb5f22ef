#include "journal/dead_letters.h"

#include <algorithm>

#include "journal/checksum.h"

namespace bus::journal {

DeadLetters::DeadLetters(Database& database)
    : insert_{database,
              "INSERT INTO dead_letter (destination, lane, name, batch, first, count, reason,"
              " buried, checksum, bytes) VALUES (?1, ?2,"
              " coalesce(nullif(?10, ''), (SELECT name FROM destination WHERE id = ?1), ''),"
              " ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING"},
      fetch_{database, "SELECT expires, checksum, bytes FROM batch WHERE id = ?"},
      oldest_{database, "SELECT id, count, length(bytes) FROM dead_letter ORDER BY id LIMIT 1"},
      delete_{database, "DELETE FROM dead_letter WHERE id = ?"} {}

void DeadLetters::load(std::uint64_t count, std::uint64_t bytes) noexcept {
    count_ = count;
    bytes_ = bytes;
}

Status DeadLetters::bury(const core::Bury& bury) {
    if (bury.batch) return insert(bury, bury.batch.bytes());
    if (!fetch_.bind(bury.id).next()) return fetch_.status();
    const Bytes row = fetch_.blob(2);
    const bool intact = row_checksum(bury.id, fetch_.number(0), row) == fetch_.number(1);
    const std::vector<std::byte> bytes(row.begin(), row.end());
    fetch_.reset();
    return intact ? insert(bury, bytes) : Status::ok;
}

Status DeadLetters::keep_within(std::uint64_t bytes_max) {
    while (bytes_ > bytes_max && oldest_.next()) {
        const std::uint64_t id = oldest_.number(0), count = oldest_.number(1);
        bytes_ -= std::min(bytes_, oldest_.number(2));
        oldest_.reset();
        count_ -= std::min(count_, count);
        dropped_ += count;
        if (const Status status = delete_.bind(id).run(); status != Status::ok) return status;
    }
    return oldest_.status();
}

Status DeadLetters::insert(const core::Bury& bury, Bytes bytes) {
    const Status status =
        insert_
            .bind(bury.stream.to, static_cast<std::uint64_t>(bury.stream.lane), bury.id, bury.first,
                  bury.count, std::string_view{bury.reason}, bury.wall_micros,
                  row_checksum(bury.id, 0, bytes), bytes, std::string_view{bury.name})
            .run();
    if (status != Status::ok || !insert_.changed()) return status;
    count_ += bury.count;
    bytes_ += bytes.size();
    return Status::ok;
}

}  // namespace bus::journal
