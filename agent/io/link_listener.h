// The socket that peers dial: a ROUTER, CURVE server with one of this agent's
// keys, closed to strangers. A link begins with the first frame of a connection
// and ends with it; who the peer is says its key, with every frame (G10).
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/exchange.h"
#include "io/link_socket.h"
#include "io/listening_socket.h"
#include "io/live_links.h"
#include "io/peer_keys.h"
#include "io/silent_line.h"
#include "io/watched_router.h"

namespace bus::io {

class LinkListener {
  public:
    using NewLink = std::function<core::LinkId()>;

    // The authenticator must be bound.
    LinkListener(Context& context, std::vector<ListeningSocket> places, const LinkKeys& own,
                 const PeerKeys& peers, NewLink new_link, LiveLinks& live, Told& told);

    const std::string& public_key() const { return public_key_; }
    // Where it listens, with the ports the system chose.
    const std::vector<std::string>& endpoints() const { return endpoints_; }
    // Sockets for a listener with another key, at the same addresses. Throws Error.
    std::vector<ListeningSocket> places_beside() const;
    // Another listener shares its addresses: connections meant for that one are no news here.
    void share(bool shared);

    void add_to(PollSet& poll) { router_.add_to(poll); }
    void receive_into(core::Exchange& exchange, const PollSet& poll, Time now);
    // Nothing happens if the link has ended. A peer that has just left ends it, which the exchange
    // hears in the next turn.
    void send(const core::ToLink& out);
    // One peer of a ROUTER cannot be disconnected: from now on only a HELLO is heard from it, and
    // begins another link.
    void close(core::LinkId link);
    void linger() { router_.linger(); }
    std::size_t open_connections() const { return router_.open(); }
    void end_silent_lines() const { router_.each_open(shut_down_if_silent); }
    // Ends the links of keys that are no peer's any more.
    void end_strangers(core::Exchange& exchange, Time now);
    // Before it is destroyed while the exchange goes on.
    void hang_up(core::Exchange& exchange, Time now);
    bool has_news() const { return !gone_.empty() || router_.has_ended(); }

  private:
    struct Connected {
        core::LinkId link;
        std::string key;
        bool closed = false;
        std::uint64_t judged = 0;  // by this version of the peers' keys: it may link
    };
    using ByRoutingId = std::unordered_map<std::string, Connected>;

    void watch_connections(Time now);
    void on_message(core::Exchange& exchange, Received&& message, Time now);
    Connected* find(const Received& message, std::string_view key);
    Connected& connected(core::Exchange& exchange, const Received& message, std::string key,
                         Time now);
    void reopen(Connected& from, const Received& message);
    void end(core::LinkId link);
    void tell_gone(core::Exchange& exchange, Time now);

    const PeerKeys& peers_;
    const NewLink new_link_;
    LiveLinks& live_;
    Told& told_;
    WatchedRouter router_;
    const std::string public_key_;
    std::vector<int> listening_;  // of the router
    std::vector<std::string> endpoints_;
    bool shared_ = false;
    ByRoutingId connected_;
    std::unordered_map<core::LinkId, std::string> routing_ids_;
    std::vector<core::LinkId> gone_;  // the exchange does not know yet
};

}  // namespace bus::io
