// What happens to a socket's connections. A monitor that nobody reads blocks
// libzmq's I/O thread for ever (FACTS trap C), so it exists together with the
// loop that drains it, and ends before its socket is closed.
#pragma once

#include <string>
#include <vector>

#include "io/socket.h"

namespace bus::io {

struct MonitorEvent {
    int event = 0;  // ZMQ_EVENT_*
    int value = 0;  // a file descriptor, an errno or a protocol error, by event
    std::string endpoint;
};

class Monitor {
  public:
    Monitor(Context& context, Socket& of);
    ~Monitor();
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

    // Appends all that has happened since the last call.
    void drain(std::vector<MonitorEvent>& into);
    // For the poll set. It tells each news once, which is why drain() takes all there is.
    int fd() const { return events_.fd(); }
    // `readable`: the descriptor was.
    bool has_news(bool readable) const noexcept { return readable || !early_.empty(); }

  private:
    void read(std::vector<MonitorEvent>& into);

    Socket& of_;
    Socket events_;
    // What happened before the descriptor began to tell.
    std::vector<MonitorEvent> early_;
};

}  // namespace bus::io
