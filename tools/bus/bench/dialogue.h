// What the bench and its producers and consumers say to each other, in lines
// over pipes, so that both paths (agents, raw pipe) are measured by the same hand:
//
//   producer  says "ready", and sends one probe on its way
//   consumer  says "ready", and "probe" once the probe has come: the way is open
//   bench     says a Run to the producer, which carries it out and says Sent
//   bench     says an Expect to the consumer, which says Received once it has so many distinct
//             messages, or nothing has come for its patience
//
// Closed standard input ends a role. Times are CLOCK_MONOTONIC, the same in all processes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bench/histogram.h"

namespace bus::bench {

std::int64_t now_nanos() noexcept;

// The first bytes of each message (raw pipe: of each frame).
struct Stamp {
    std::uint64_t index = 0;          // counts a producer's messages from 0; or probe_index
    std::int64_t intended_nanos = 0;  // when it should have been sent; 0: unpaced
};
inline constexpr std::uint64_t probe_index = ~std::uint64_t{0};
inline constexpr std::uint32_t size_min = sizeof(Stamp);

// Ends after that many seconds, or that many messages (0: no such end).
struct Run {
    double seconds = 0;
    double rate = 0;  // messages/s; 0: as fast as the path takes them
    std::uint64_t messages = 0;
};
struct Sent {
    std::uint64_t messages = 0;  // of this run
    std::uint64_t total = 0;     // of all runs
    std::uint64_t not_safe = 0;
    std::int64_t first_nanos = 0, last_nanos = 0;
    std::int64_t safe_nanos = 0;  // when the last one was safe (raw pipe: acknowledged)
};
struct Expect {
    std::uint64_t total = 0;
    std::uint32_t patience_seconds = 0;
};
struct Received {
    std::uint64_t distinct = 0, duplicates = 0;
    std::uint64_t duplicates_unmarked = 0;  // not said to be redelivered
    std::int64_t last_nanos = 0;
    Histogram latency;  // since the previous Received
};

std::string to_line(const Run& run);
std::string to_line(const Sent& sent);
std::string to_line(const Expect& expect);
std::string to_line(const Received& received);
// Throw Error on a line that is none.
Run run_from(const std::string& line);
Sent sent_from(const std::string& line);
Expect expect_from(const std::string& line);
Received received_from(const std::string& line);

// The role's end: standard output, and standard input without its newline; nullopt at the end.
void say(const std::string& line);
std::optional<std::string> hear();

}  // namespace bus::bench
