// Which of thousands of gateways have something to read: epoll over libzmq's
// descriptors. These stay readable until somebody uses their socket, and any
// use may take the news in: whoever has sent must look for what came.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <span>

#include "base/assert.h"
#include "base/unique_fd.h"

namespace bus::bench {

class Readiness {
  public:
    Readiness() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { BUS_ASSERT(epoll_); }

    void watch(int descriptor, void* owner) {
        epoll_event event{.events = EPOLLIN, .data = {.ptr = owner}};
        BUS_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0);
    }
    // Before the descriptor is closed: libzmq closes its own later, on a thread of its own.
    void forget(int descriptor) {
        BUS_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr) == 0);
    }
    // The owners with news; valid until the next call.
    std::span<const epoll_event> wait(std::chrono::milliseconds at_most) {
        const int count =
            ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                         static_cast<int>(at_most.count()));
        BUS_ASSERT(count >= 0 || errno == EINTR);
        return std::span{events_}.first(count > 0 ? static_cast<std::size_t>(count) : 0);
    }

  private:
    UniqueFd epoll_;
    std::array<epoll_event, 1024> events_;
};

}  // namespace bus::bench
