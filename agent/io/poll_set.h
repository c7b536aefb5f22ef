// What the loop waits for: sockets and descriptors, gathered anew each turn
// (links come and go). Sockets are waited for by libzmq's descriptors in one
// poll(). zmq_poll would ask each of them before and after, twice: about half
// of all the system calls of a turn.
#pragma once

#include <poll.h>

#include <vector>

#include "base/time.h"
#include "io/socket.h"

namespace bus::io {

class PollSet {
  public:
    using Slot = std::size_t;

    void clear();
    // The socket must live until wait() returns.
    Slot add(Socket& socket);
    Slot add(int fd);

    // Until something is readable or the deadline has come (to the next millisecond).
    void wait(Time now, Time deadline);
    // Of a socket: there may be something to receive. Whoever asks reads until there is nothing, or
    // the next wait() returns at once.
    bool ready(Slot slot) const { return items_[slot].revents != 0; }

  private:
    struct Watched {
        Slot slot;
        Socket* socket;
    };
    // Sockets with something to receive that their descriptors will not tell again.
    bool find_early();

    std::vector<pollfd> items_;
    std::vector<Watched> sockets_;
    std::vector<Slot> early_;
};

// 0: now; -1: never. Rounded up, or the loop would spin through the last millisecond.
int poll_timeout_millis(Time now, Time deadline);

}  // namespace bus::io
