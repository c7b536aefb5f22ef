// How much of large messages may be on the line to a neighbour at once: enough to
// keep it busy, and so little that what is sent next, on another channel, does not
// stand behind seconds of it. The neighbour says what it has received; how much
// longer that takes than it ever took lately tells how much stands in line.
#pragma once

#include <cstdint>
#include <deque>

#include "base/time.h"
#include "limits.h"
#include "wire/batch.h"

namespace bus::core {

// A part of what is large enough to be in the way of others.
inline bool is_bulk(const wire::BatchHeader& header) {
    return header.part && header.part->total_bytes >= limits::bulk_message_min;
}

class BulkPace {
  public:
    bool has_room() const { return sent_.empty() || on_line_ < limit_; }

    // Frames count up within a session.
    void on_sent(std::uint64_t count, std::uint64_t bytes, Time now);
    void on_received(std::uint64_t count, Time now);
    // Another session: nothing is known to be on the line.
    void restart() {
        sent_.clear();
        on_line_ = 0;
    }

  private:
    struct Sent {
        std::uint64_t count = 0, bytes = 0;
        std::uint64_t on_line = 0;  // with it, when it was sent
        Time at{};
    };

    void learn(const Sent& one, Time now);
    void adapt(std::uint64_t in_line);

    std::deque<Sent> sent_;  // and not received, as far as is known
    std::uint64_t on_line_ = 0;
    std::uint64_t limit_ = 2 * limits::bulk_on_line_min;
    bool starts_ = true;
    Duration base_ = Duration::max(), older_base_ = Duration::max();
    Time base_since_{};
    Time adapted_{};
};

}  // namespace bus::core
