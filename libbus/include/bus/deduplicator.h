// What a consumer has handled already, so that a message that comes again is not
// handled twice: the bus delivers at least once, and marks what may come again.
//
//     for (bus::Delivery d : orders) {
//         if (seen.first_time(d.message())) work(d.message());
//         d.ack();
//     }
//
// It lives in memory, and knows nothing after a restart of the program; where
// that must not happen twice either, keep it beside the work:
// bus/sqlite_deduplicator.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>

#include "bus/export.h"
#include "bus/message.h"

namespace bus {

// One thread at a time. What it has forgotten counts as new: in doubt a message is handled, never
// left out.
class BUS_EXPORT Deduplicator {
  public:
    struct Bounds {
        // Of these the latest heard of are remembered.
        std::size_t producers = 1'024;
        // Messages of one producer, the ones with the highest sequences: at least so many, and 64
        // times that if they all come to this consumer. 64 bytes each, or 1.
        std::size_t messages = 16'384;
    };
    Deduplicator() : Deduplicator(Bounds{}) {}
    // Both 1 at least.
    explicit Deduplicator(Bounds bounds);
    ~Deduplicator();
    Deduplicator(const Deduplicator&) = delete;
    Deduplicator& operator=(const Deduplicator&) = delete;

    // Not seen before; remembers it.
    [[nodiscard]] bool first_time(const Message& message);
    // It could not be handled after all, and shall be when it comes again: before nack().
    void forget(const Message& message);

  private:
    using ProducerId = std::array<std::uint64_t, 2>;
    struct Seen {
        std::map<std::uint64_t, std::uint64_t> words;  // by sequence / 64, a bit for each message
        std::uint64_t forgotten_below = 0;             // words
        std::list<ProducerId>::iterator place;
    };
    Seen& seen_of(const ProducerId& producer);

    const Bounds bounds_;
    std::map<ProducerId, Seen> producers_;
    std::list<ProducerId> recent_;  // latest first
};

}  // namespace bus
