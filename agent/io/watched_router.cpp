#include "io/watched_router.h"

namespace bus::io {

WatchedRouter::WatchedRouter(Context& context, Socket router)
    : socket_(std::move(router)), monitor_(context, socket_) {}

void WatchedRouter::add_to(PollSet& poll) {
    slot_ = poll.add(socket_);
    monitor_slot_ = poll.add(monitor_.fd());
}

const std::vector<MonitorEvent>& WatchedRouter::watch() {
    events_.clear();
    monitor_.drain(events_);
    for (const MonitorEvent& event : events_) {
        if (event.event == ZMQ_EVENT_ACCEPTED) connections_.on_accepted(event.value);
        if (event.event == ZMQ_EVENT_DISCONNECTED) connections_.on_disconnected(event.value);
    }
    return events_;
}

}  // namespace bus::io
