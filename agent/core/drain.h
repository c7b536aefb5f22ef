// A host before it is replaced or upgraded: it takes nothing new, hands over
// what it owes, and tells what cannot go, and why. Plain values; drain.cpp
// finds them out, and holds the sources back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bus::core {

struct DrainReport {
    struct Amount {
        std::uint64_t messages = 0, bytes = 0, oldest_millis = 0;
    };
    // What waits here for one destination, or was sent there and is not acknowledged.
    struct Row {
        std::string to;  // "agent tokyo", "queue orders", "durable alarms"
        Amount amount;
        bool moves = false;  // nothing is in its way
        std::string words;   // what is, and what to do; or where it goes
    };
    bool draining = false;
    std::vector<Row> rows;
    Amount all;                          // sums, and the oldest
    std::uint64_t bytes_per_second = 0;  // that leave over all links now
    bool is_done() const { return rows.empty(); }
};

}  // namespace bus::core
