#include "io/poll_set.h"

#include <algorithm>
#include <cerrno>

#include "base/assert.h"

namespace bus::io {

int poll_timeout_millis(Time now, Time deadline) {
    using std::chrono::milliseconds;
    constexpr milliseconds longest = std::chrono::hours{1};
    if (deadline == never) return -1;
    if (deadline <= now) return 0;
    const auto left = std::min(std::chrono::ceil<milliseconds>(deadline - now), longest);
    return static_cast<int>(left.count());
}

void PollSet::clear() {
    items_.clear();
    sockets_.clear();
}

PollSet::Slot PollSet::add(Socket& socket) {
    const Slot slot = add(socket.fd());
    sockets_.push_back({.slot = slot, .socket = &socket});
    return slot;
}

PollSet::Slot PollSet::add(int fd) {
    items_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    return items_.size() - 1;
}

bool PollSet::find_early() {
    early_.clear();
    for (const Watched& watched : sockets_)
        if (!watched.socket->is_quiet()) early_.push_back(watched.slot);
    return !early_.empty();
}

void PollSet::wait(Time now, Time deadline) {
    const int timeout = find_early() ? 0 : poll_timeout_millis(now, deadline);
    if (::poll(items_.data(), items_.size(), timeout) < 0) {
        BUS_ASSERT(errno == EINTR);  // a debugger; our signals are blocked
        for (pollfd& item : items_) item.revents = 0;
    }
    for (const Slot slot : early_) items_[slot].revents = POLLIN;
}

}  // namespace bus::io
