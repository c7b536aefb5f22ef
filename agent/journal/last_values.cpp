#include "journal/last_values.h"

#include <string>
#include <vector>

#include "journal/checksum.h"

namespace bus::journal {

LastValues::LastValues(Database& database)
    : put_{database,
           "REPLACE INTO last_value (channel, expires, checksum, bytes) VALUES (?, ?, ?, ?)"},
      drop_{database, "DELETE FROM last_value WHERE channel = ?"},
      scan_{database, "SELECT channel, expires, checksum, bytes FROM last_value ORDER BY id"} {}

Status LastValues::load(core::Recovered& recovered) {
    while (scan_.next()) {
        const std::string channel{scan_.text(0)};
        const std::uint64_t expires = scan_.number(1);
        const Bytes bytes = scan_.blob(3);
        auto batch = row_checksum({}, expires, channel, bytes) == scan_.number(2)
                         ? core::OwnedBatch::make({bytes.begin(), bytes.end()})
                         : std::nullopt;
        if (batch && batch->header().channel == channel) {
            recovered.last_values.push_back({std::move(*batch), expires});
            continue;
        }
        recovered.lost_last_values.push_back({channel});
        recovered.damage.push_back(
            {.lost = {},
             .reason = "the last value of " + channel +
                       " fails its checksum: late joiners get none before the next is published"});
    }
    return scan_.status();
}

Status LastValues::put(const core::PutLastValue& put) {
    const Bytes bytes = put.batch.bytes();
    const std::string_view channel = put.batch.header().channel;
    return put_
        .bind(channel, put.expires_wall_micros,
              row_checksum({}, put.expires_wall_micros, channel, bytes), bytes)
        .run();
}

Status LastValues::drop(const core::DropLastValue& drop) {
    return drop_.bind(std::string_view{drop.channel}).run();
}

}  // namespace bus::journal
