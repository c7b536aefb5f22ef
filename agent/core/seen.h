// The ranges of messages that this agent, as their final destination, has
// taken lately: consulted only for batches that come flagged `resent` or
// `rerouted`. Bounded; what is forgotten is "unknown", and then a batch is
// delivered, marked, never dropped (G2).
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "limits.h"
#include "wire/batch.h"

namespace bus::core {

class Seen {
  public:
    // taken: exactly these messages were taken. fresh: certainly none of them. unknown: neither.
    enum class Answer : std::uint8_t { taken, fresh, unknown };

    explicit Seen(std::size_t keys_max = limits::seen_keys_max) : keys_max_(keys_max) {}

    // Never `fresh` for a rerouted batch: its other copy may come later.
    Answer look(const wire::BatchHeader& header, bool rerouted) const;
    // Since a rerouted one came, other copies of that key's may come by a slower path, unflagged.
    bool expects_copies(const wire::BatchHeader& header) const;
    // late: unflagged, and a later one came first, by a quicker path.
    enum class Turn : std::uint8_t { in_order, late };
    // How it came. Of what is above it that proves something only if it came unflagged and straight
    // from its origin: on its way through a relay a later one may have been long before it.
    struct Way {
        bool flagged = false;  // as resent or rerouted
        bool rerouted = false;
        bool relayed = false;
    };
    Turn take(const wire::BatchHeader& header, Way way);
    // What was taken of the large message that this abort ends was of no use: it may come again.
    void forget(const wire::BatchHeader& abort);
    // It leaves this agent for another, which may give it back.
    void forget_moved(const wire::BatchHeader& header);
    std::size_t keys() const { return keys_.size(); }

  private:
    // Channel and group by their hash: two of one producer with one hash are 1 in 10^19.
    struct Key {
        ProducerId producer;
        std::uint64_t channel = 0;
        wire::Lane lane = wire::Lane::normal;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept;
    };
    struct Range {
        std::uint64_t first, last;
    };
    struct Known {
        std::vector<Range> ranges;        // ascending, not adjacent
        std::uint64_t unflagged_top = 0;  // the highest message that came unflagged; 0: none
        bool straight = false;            // one came unflagged and straight from its origin
        bool rerouted = false;            // one that was came
        std::uint64_t forgotten_top = 0;  // the highest message whose range was given up
        std::list<Key>::iterator use;
    };

    static Key key_of(const wire::BatchHeader& header);
    static void insert(Known& known, Range range);
    static void remove(Known& known, Range range);

    const std::size_t keys_max_;
    bool rerouted_came_ = false;  // one that was, of any key
    std::unordered_map<Key, Known, KeyHash> keys_;
    std::list<Key> by_use_;  // the latest first
};

}  // namespace bus::core
