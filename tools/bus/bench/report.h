// What a bench has found, as a table for people or as JSON for programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/beside_large.h"
#include "bench/outage.h"
#include "bench/path.h"

namespace bus::bench {

// The same load over the bus and over the raw pipe, in turns.
struct Comparison {
    Load load;
    Sample bus, raw;

    double share_of_raw_pipe() const;
    double journal_bytes_per_payload_byte() const;
};

struct OutageReport {
    Outage outage;
    OutageSample sample;
    double fdatasync_messages_per_second = 0;  // a whole group commit per fdatasync

    double share_of_fdatasync_loop() const;
};

struct Report {
    bool local = false, best_effort = false;
    std::vector<Comparison> throughput;
    double rate = 0;  // of `latency`
    std::optional<Comparison> latency, request;
    std::optional<OutageReport> outage, backlog;
    std::optional<BesideLarge> beside_large;

    std::string to_json() const;
    std::string to_table() const;
};

}  // namespace bus::bench
