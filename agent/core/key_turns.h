// Whose turn it is among the messages of a homed queue that have the same key:
// one of them is out at a time, from when it may be handed out until it is
// decided, however often it comes back in between. The next waits for that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/destination.h"

namespace bus::core {

class KeyTurns {
  public:
    using Place = std::pair<BatchId, std::uint32_t>;  // batch, message
    using Key = std::uint64_t;                        // the hash of one, never 0

    bool empty() const { return lines_.empty(); }
    std::size_t waiting() const { return waiting_; }

    // It has come. true: it is its turn; false: others of its key are before it.
    bool enter(Key key, const Place& place);
    struct Next {
        Place place;
        Key key = 0;
    };
    // It is decided. Whose turn it is now, if any waits.
    std::optional<Next> leave(const Place& place);
    // All of a batch is gone. Whose turn it is now.
    std::vector<Next> leave_all(BatchId batch);
    // Of one whose turn it is; 0: it has none.
    Key key_of(const Place& place) const;
    // Those that wait, in no order.
    std::vector<Place> take_waiting();
    void clear();

  private:
    // Behind the one that is out, in the order in which they came to the queue.
    std::unordered_map<Key, std::set<Place>> lines_;
    std::map<Place, Key> out_;
    std::size_t waiting_ = 0;
};

}  // namespace bus::core
