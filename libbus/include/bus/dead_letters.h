// The messages that could not be delivered: kept by the agent with why, to be
// looked at, given back to where they died, or done away with. For programs
// that tend a host, since the agent answers on its admin socket only.
//
//     bus::DeadLetters dead{bus};
//     for (const bus::DeadLetter& one : dead.list({.channel = "orders.**"}))
//         std::cout << one.channel << ": " << one.reason << '\n';
//     dead.retry({.channel = "orders.**", .reason = "timeout"});
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bus/connection.h"
#include "bus/export.h"

namespace bus {

// One message, or a run of them that died together.
struct DeadLetter {
    std::uint64_t id = 0;  // never used again at this agent
    bool of_queue = false;
    std::string channel;
    // Where it died: "queue", "durable", "anonymous" or "agent", and its name.
    std::string destination, name;
    std::string reason;
    std::uint64_t messages = 0, bytes = 0;
    std::uint32_t attempts = 0;  // to hand it to a consumer; 0: none, or not known
    // Since 1970 on this host's clock; `taken` is 0 where it is not known.
    std::chrono::milliseconds taken{0}, died{0};
    std::string
        producer;  // 32 hex digits; with the sequence of its first message its Message::id()
    std::uint64_t sequence = 0;
};

// Which of them: all that is said holds.
struct DeadLetterFilter {
    std::vector<std::uint64_t> ids{};  // 1,000 at most; none: any
    std::string channel{};             // a filter, as for subscribe(); empty: any
    bool of_queues = false;            // not those of topics
    std::string reason{};              // a piece of it, in capitals or not; empty: any
    bool all = false;                  // to retry or purge where nothing above is said
};

struct DeadLettersDone {
    std::uint64_t letters = 0, messages = 0, bytes = 0;
    // What stays a dead letter, and why.
    struct Left {
        std::string why;
        std::uint64_t letters = 0, messages = 0;
    };
    std::vector<Left> left;
};

// As the Connection it is made of, which must outlive it; usable from any thread. All of it waits
// for the agent, `timeout` for each thousand, and throws Error: no answer in time, or refused with
// the reason.
class BUS_EXPORT DeadLetters {
  public:
    explicit DeadLetters(const Connection& bus,
                         std::chrono::milliseconds timeout = std::chrono::seconds{10}) noexcept
        : bus_(bus), timeout_(timeout) {}

    // The oldest first.
    [[nodiscard]] std::vector<DeadLetter> list(const DeadLetterFilter& which = {},
                                               std::size_t at_most = 1'000) const;

    enum class Run { dry, real };  // dry: only tells what would happen
    // Each goes to where it died, marked as redelivered, and is a dead letter no more. Done when it
    // is on disk; where this throws, each is either still a dead letter or back.
    DeadLettersDone retry(const DeadLetterFilter& which, Run run = Run::real) const;
    // Gone for good.
    DeadLettersDone purge(const DeadLetterFilter& which, Run run = Run::real) const;

  private:
    DeadLettersDone change(const char* request, const DeadLetterFilter& which, Run run) const;

    const Connection& bus_;
    const std::chrono::milliseconds timeout_;
};

}  // namespace bus
