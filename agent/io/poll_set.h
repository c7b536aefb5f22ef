// What the loop waits for: sockets and descriptors, gathered anew each turn
// (links come and go). About 0.6 us a socket (FACTS section 1).
#pragma once

#include <vector>

#include "base/time.h"
#include "io/socket.h"

namespace bus::io {

class PollSet {
  public:
    using Slot = std::size_t;

    void clear() { items_.clear(); }
    Slot add(const Socket& socket) { return add(zmq_pollitem_t{socket.raw(), 0, ZMQ_POLLIN, 0}); }
    Slot add(int fd) { return add(zmq_pollitem_t{nullptr, fd, ZMQ_POLLIN, 0}); }

    // Until something is readable or the deadline has come (to the next millisecond).
    void wait(Time now, Time deadline);
    bool ready(Slot slot) const { return items_[slot].revents != 0; }

  private:
    Slot add(zmq_pollitem_t item) {
        items_.push_back(item);
        return items_.size() - 1;
    }
    std::vector<zmq_pollitem_t> items_;
};

// 0: now; -1: never. Rounded up, or the loop would spin through the last millisecond.
long poll_timeout_millis(Time now, Time deadline);

}  // namespace bus::io
