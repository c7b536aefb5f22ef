// A ROUTER that many connect to, together with what its monitor says of their
// connections: so that whoever a connection belongs to is known to be gone
// (see connections.h).
#pragma once

#include <optional>
#include <vector>

#include "io/connections.h"
#include "io/monitor.h"
#include "io/poll_set.h"
#include "io/socket.h"

namespace bus::io {

class WatchedRouter {
  public:
    using Owner = Connections::Owner;

    // Not bound yet: every connection is to be seen from its beginning.
    WatchedRouter(Context& context, Socket router);
    Socket& socket() noexcept { return socket_; }

    void add_to(PollSet& poll);
    // Of the monitor; then watch() before receive().
    bool has_news(const PollSet& poll) const {
        return monitor_.has_news(poll.ready(monitor_slot_));
    }
    // What has happened since the last call. It is known to bind() and receive() from now on.
    const std::vector<MonitorEvent>& watch();

    // The messages of this turn. Returns whose connections have ended, once all that they had sent
    // has been given to `on_message`.
    template <class OnMessage>
    std::vector<Owner> receive(const PollSet& poll, OnMessage on_message) {
        if (!poll.ready(slot_) && !connections_.has_ended()) return {};
        if (!receive_messages(socket_, std::move(on_message))) return {};
        return connections_.take_ended();
    }
    // Ended connections are left to be told: do not wait.
    bool has_ended() const noexcept { return connections_.has_ended(); }
    std::size_t open() const noexcept { return connections_.open(); }
    // The descriptors of the open ones.
    template <class Visit>
    void each_open(Visit visit) const {
        connections_.each_open(visit);
    }

    // The connection that this frame came by is `owner`'s; watch() was called since it came.
    // Returns whose it was before, who must be gone.
    std::optional<Owner> bind(const Frame& body, Owner owner) {
        return connections_.bind(body.source_fd(), owner);
    }
    void linger() { socket_.set(ZMQ_LINGER, farewell); }

  private:
    Socket socket_;
    Monitor monitor_;
    Connections connections_;
    PollSet::Slot slot_ = 0, monitor_slot_ = 0;
    std::vector<MonitorEvent> events_;  // reused
};

}  // namespace bus::io
