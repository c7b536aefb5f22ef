// A way for messages from a producer to a consumer through two processes in
// the middle: the bus, or the raw pipe that it is compared with.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/dialogue.h"
#include "bench/histogram.h"
#include "bench/process.h"
#include "bench/role.h"

namespace bus::bench {

// What is sent: messages of so many bytes, alone in their batch or as many in one as fit;
// guaranteed ones through a queue, or best-effort ones on a topic.
struct Load {
    std::uint32_t size = 100;
    bool single = false;
    bool best_effort = false;
    bool request = false;   // of a service, each after the answer to the one before
    bool streamed = false;  // each is written, and read, part by part
};

class Path {
  public:
    virtual ~Path() = default;
    virtual std::unique_ptr<Process> start_producer(const Load& load) = 0;
    virtual std::unique_ptr<Process> start_consumer(const Load& load) = 0;
    virtual std::vector<const Process*> middle() const = 0;
    // Before a producer and a consumer are started that shall meet each other and nobody else.
    virtual void next_channel() {}
};

// What one or several runs of the same load have shown, added up.
struct Sample {
    // messages: of best effort those that have come.
    std::uint64_t messages = 0, lost = 0, duplicates = 0, duplicates_unmarked = 0, not_safe = 0;
    std::uint64_t disk_bytes = 0;  // written by those in the middle
    double seconds = 0;            // from the first sent to the last received
    double cpu_seconds = 0;        // of all processes
    Histogram latency;

    void add(const Sample& other);
    double messages_per_second() const;
    double cpu_seconds_per_million() const;
};

// A producer and a consumer, connected over a path on which a probe has come through.
class Pair {
  public:
    // `interruption`: see Process::hear.
    Pair(Path& path, const Load& load, int interruption);

    // The producer carries `run` out; returns once all is safe.
    Sent send(const Run& run);
    // Begins without waiting; sent() waits.
    void begin(const Run& run);
    Sent sent(std::chrono::seconds patience);
    // What has come, when it is `total` distinct messages, or nothing more came for `patience`.
    Received receive(std::uint64_t total, std::chrono::seconds patience);

    std::chrono::nanoseconds cpu() const;
    const Process& producer() const noexcept { return *producer_; }
    const Process& consumer() const noexcept { return *consumer_; }
    // Of requests: the producer carries `run` out, and tells of its answers.
    Received request(const Run& run);
    // Both end in good order, so that their last acknowledgements are not lost with them.
    void end();

  private:
    const int interruption_;
    std::unique_ptr<Process> consumer_, producer_;
};

// One run of a load over a path, from nothing to everything received.
Sample measure(Path& path, const Load& load, const Run& run, int interruption);
// The same for requests: their latency is that of the round trip.
Sample measure_requests(Path& path, const Load& load, const Run& run, int interruption);

// This executable in a role.
std::unique_ptr<Process> start_role(const Role& role);

}  // namespace bus::bench
