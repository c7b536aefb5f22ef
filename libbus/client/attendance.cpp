#include "client/attendance.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/assert.h"
#include "bus/error.h"

namespace bus::client {
namespace {

// Rounded up, or the thread would spin through the last millisecond.
int millis_until(Time until) {
    using std::chrono::milliseconds;
    constexpr milliseconds longest = std::chrono::minutes{1};
    if (until == never) return -1;
    const Time now = boot_now();
    if (until <= now) return 0;
    const auto left = std::min(std::chrono::ceil<milliseconds>(until - now), longest);
    return static_cast<int>(left.count());
}

timespec time_until(WaitClock::time_point until) {
    const auto left = std::max(until - WaitClock::now(), WaitClock::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    return {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
}

}  // namespace

Attendance::Attendance() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { add(thread_.fd()); }

void Attendance::add(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
        throw Error{std::string{"cannot wait for the agent: "} + std::strerror(errno)};
}

void Attendance::change(int operation, int fd, unsigned events) noexcept {
    epoll_event event{.events = events, .data = {.fd = fd}};
    BUS_ASSERT(::epoll_ctl(epoll_.get(), operation, fd, &event) == 0);
}

void Attendance::attach(int socket_fd, int monitor_fd) {
    add(socket_fd);
    socket_fd_ = socket_fd;
    add(monitor_fd);
    monitor_fd_ = monitor_fd;
}

void Attendance::detach() noexcept {
    for (int* const fd : {&socket_fd_, &monitor_fd_})
        if (*fd >= 0) change(EPOLL_CTL_DEL, std::exchange(*fd, -1), 0);
}

bool Attendance::wait(Time until) noexcept {
    epoll_event events[3];
    const int got = ::epoll_wait(epoll_.get(), events, 3, millis_until(until));
    BUS_ASSERT(got >= 0 || errno == EINTR);
    bool monitor = false;
    for (int i = 0; i < got; ++i) {
        if (events[i].data.fd == thread_.fd()) thread_.clear();
        if (events[i].data.fd == monitor_fd_) monitor = true;
    }
    return monitor;
}

bool Attendance::wait_for_input(WaitClock::time_point until) noexcept {
    pollfd items[] = {{socket_fd_, POLLIN, 0}, {stand_in_.fd(), POLLIN, 0}};
    const bool forever = until == WaitClock::time_point::max();
    const timespec left = forever ? timespec{} : time_until(until);
    const int got = ::ppoll(items, 2, forever ? nullptr : &left, nullptr);
    BUS_ASSERT(got >= 0 || errno == EINTR);
    return got != 0;
}

void Attendance::take_over() noexcept { change(EPOLL_CTL_MOD, socket_fd_, 0); }

void Attendance::hand_back() noexcept { change(EPOLL_CTL_MOD, socket_fd_, EPOLLIN); }

void Attendance::wake_stand_in() noexcept {
    if (!std::exchange(stand_in_woken_, true)) stand_in_.ring();
}

bool Attendance::take_waking() noexcept {
    if (!std::exchange(stand_in_woken_, false)) return false;
    stand_in_.clear();
    return true;
}

}  // namespace bus::client
