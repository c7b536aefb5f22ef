// The socket that apps speak to, bus.sock: a ROUTER whose frames become the
// core's sessions. Who an app is comes from the kernel with every frame
// (G10); a session is a routing id together with the uid behind it.
#pragma once

#include <string>
#include <unordered_map>

#include "core/exchange.h"
#include "io/told.h"
#include "io/watched_router.h"

namespace bus::io {

class LocalEndpoint {
  public:
    LocalEndpoint(Context& context, const std::string& endpoint, Told& told);

    void add_to(PollSet& poll) { router_.add_to(poll); }
    // At most limits::turn_frames_per_socket frames, then the sessions whose connection has ended.
    void receive_into(core::Exchange& exchange, const PollSet& poll, Time now);
    // To a session that has left: it is over, and the exchange hears so in the next turn.
    void send(const core::ToApp& out);
    // The core is done with it; further frames of that app open another session.
    void close(core::SessionId session);
    // The last words may leave after the sockets are closed.
    void linger() { router_.linger(); }
    // Something is left to be told to the exchange: do not wait.
    bool has_news() const { return !gone_.empty() || router_.has_ended(); }

  private:
    struct Session {
        std::string routing_id;
        std::uint32_t uid = 0;
        bool delimited = false;  // a REQ: answers need an empty frame in front
    };
    void watch_connections(Time now);
    void warn_of_descriptors(std::uint64_t newest, Time now);
    void on_message(core::Exchange& exchange, Received&& message, Time now);
    std::optional<core::SessionId> session_of(core::Exchange& exchange, const Received& message,
                                              Time now);
    core::SessionId open_session(core::Exchange& exchange, const Received& message,
                                 std::uint32_t uid, Time now);
    void on_frame(core::Exchange& exchange, core::SessionId session, Frame&& body, Time now);
    void on_json(core::Exchange& exchange, core::SessionId session, const Frame& body, Time now);
    void on_data(core::Exchange& exchange, core::SessionId session, Frame&& body, Time now);
    void on_acks(core::Exchange& exchange, core::SessionId session, const Frame& body, Time now);
    void reply(core::SessionId session, const wire::Reply& reply);
    void refuse(core::SessionId session, const wire::Reply& reply);
    void send_frame(core::SessionId session, Frame frame);
    void end(core::SessionId session);
    void tell_gone(core::Exchange& exchange, Time now);

    Told& told_;
    WatchedRouter router_;
    std::uint64_t last_session_ = 0;
    std::unordered_map<core::SessionId, Session> sessions_;
    std::unordered_map<std::string, core::SessionId> by_routing_id_;
    std::vector<core::SessionId> gone_;  // the exchange does not know yet
    bool warned_of_descriptors_ = false;
};

}  // namespace bus::io
