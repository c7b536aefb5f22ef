// Who waits for the agent. The socket's thread does, in one epoll for its own
// wake-up, the socket and the monitor. While an app's thread waits for a
// delivery, it stands in: libzmq wakes it with no thread in between, and to
// come and to go costs one system call each.
#pragma once

#include "base/clock.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "client/wakeup.h"

namespace bus::client {

class Attendance {
  public:
    // Throws Error when out of file descriptors.
    Attendance();

    // ---- The socket's thread --------------------------------------------------------------
    // libzmq's descriptors; they stay open until detach(). Throws Error at the system's limits.
    void attach(int socket_fd, int monitor_fd);
    void detach() noexcept;
    // Until then (to the next millisecond), or there is news. True: of the monitor as well.
    bool wait(Time until) noexcept;

    // ---- The stand-in: one at a time, between attach and detach ------------------------------
    // Until then, woken, or there is input. False: nothing came.
    bool wait_for_input(WaitClock::time_point until) noexcept;

    // ---- Any thread, under the core's lock -------------------------------------------------
    void wake_thread() noexcept { thread_.ring(); }
    void take_over() noexcept;
    void hand_back() noexcept;
    void wake_stand_in() noexcept;
    // The stand-in was woken; each time is told once.
    bool take_waking() noexcept;

  private:
    void add(int fd);
    void change(int operation, int fd, unsigned events) noexcept;

    UniqueFd epoll_;
    Wakeup thread_, stand_in_;
    int socket_fd_ = -1, monitor_fd_ = -1;
    bool stand_in_woken_ = false;
};

}  // namespace bus::client
