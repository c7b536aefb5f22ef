#include "io/poll_set.h"

#include <algorithm>

#include "base/assert.h"

namespace bus::io {

long poll_timeout_millis(Time now, Time deadline) {
    using std::chrono::milliseconds;
    constexpr milliseconds longest = std::chrono::hours{1};
    if (deadline == never) return -1;
    if (deadline <= now) return 0;
    return std::min(std::chrono::ceil<milliseconds>(deadline - now), longest).count();
}

void PollSet::wait(Time now, Time deadline) {
    const int count = static_cast<int>(items_.size());
    if (zmq_poll(items_.data(), count, poll_timeout_millis(now, deadline)) >= 0) return;
    BUS_ASSERT(zmq_errno() == EINTR);  // a debugger; our signals are blocked
    for (auto& item : items_) item.revents = 0;
}

}  // namespace bus::io
