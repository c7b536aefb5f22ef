#include "io/link_listener.h"

#include "base/assert.h"
#include "io/authenticator.h"
#include "limits.h"

namespace bus::io {
namespace {

// Behind the draft macro in Debian's header, there in its library.
constexpr int zap_enforce_domain = 93;

Socket make_router(Context& context, const LinkKeys& own) {
    Socket socket{context, ZMQ_ROUTER};
    set_link_options(socket);
    socket.set(ZMQ_ROUTER_MANDATORY, 1);
    socket.set(ZMQ_CURVE_SERVER, 1);
    socket.set(ZMQ_CURVE_SECRETKEY, std::string_view{own.secret_key});
    // Both, or CURVE lets every key in when there is no handler (FACTS section 1).
    socket.set(ZMQ_ZAP_DOMAIN, Authenticator::domain);
    socket.set(zap_enforce_domain, 1);
    return socket;
}

bool is_for_another_key(const MonitorEvent& event) {
    return event.event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
           event.value == static_cast<int>(ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
}

std::string cause_of(const MonitorEvent& event) {
    if (event.event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) return "ended before it was complete";
    if (event.value == static_cast<int>(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH))
        return "came without encryption";
    if (is_for_another_key(event)) return "was encrypted for another key than ours";
    return "does not speak our protocol";
}

}  // namespace

LinkListener::LinkListener(Context& context, std::vector<ListeningSocket> places,
                           const LinkKeys& own, const PeerKeys& peers, NewLink new_link,
                           LiveLinks& live, Told& told)
    : peers_(peers),
      new_link_(std::move(new_link)),
      live_(live),
      told_(told),
      router_(context, make_router(context, own)),
      public_key_(own.public_key) {
    for (ListeningSocket& place : places) {
        endpoints_.push_back(place.endpoint());
        listening_.push_back(place.fd());
        router_.socket().set(ZMQ_USE_FD, place.fd());
        router_.socket().bind(endpoints_.back());
        (void)place.release();
    }
}

std::vector<ListeningSocket> LinkListener::places_beside() const {
    std::vector<ListeningSocket> places;
    for (const int fd : listening_) places.push_back(ListeningSocket::beside(fd));
    return places;
}

void LinkListener::share(bool shared) {
    if (std::exchange(shared_, shared) && !shared)
        for (const int fd : listening_) ListeningSocket::keep_alone(fd);
}

void LinkListener::receive_into(core::Exchange& exchange, const PollSet& poll, Time now) {
    if (router_.has_news(poll)) watch_connections(now);
    tell_gone(exchange, now);
    for (const auto owner : router_.receive(
             poll, [&](Received&& message) { on_message(exchange, std::move(message), now); }))
        end(core::LinkId{owner});
    tell_gone(exchange, now);
}

void LinkListener::watch_connections(Time now) {
    for (const MonitorEvent& event : router_.watch()) {
        switch (event.event) {
            case ZMQ_EVENT_ACCEPTED:
                ++told_.counters.links_accepted;
                break;
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
                ++told_.counters.links_handshaken;
                break;
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
                ++told_.counters.handshakes_failed;
                if (shared_ && is_for_another_key(event)) break;  // it will try again
                told_.say(core::Event::Kind::link_refused, now, event.endpoint,
                          "a connection " + cause_of(event) + "; closed");
                break;
            default:  // libzmq has more; ..._FAILED_AUTH is told by the authenticator
                break;
        }
    }
}

void LinkListener::on_message(core::Exchange& exchange, Received&& message, Time now) {
    if (message.malformed || message.delimited) {
        ++told_.counters.malformed_link;
        return;
    }
    // On every frame: neither a removed key nor a routing id ends a connection (FACTS section 1).
    const std::string_view key = message.body.property("User-Id");
    Connected* from = find(message, key);
    if (from == nullptr || from->judged != peers_.version()) {
        if (peers_.name_of(std::string{key}) == nullptr) {
            ++told_.counters.revoked_frames;
            return;
        }
        if (from == nullptr) from = &connected(exchange, message, std::string{key}, now);
        from->judged = peers_.version();
    }
    if (from->closed) {
        if (!is_hello(message.body)) return;
        reopen(*from, message);
        exchange.on_link_up(from->link, from->key, false, now);
    }
    take_link_frame(exchange, from->link, std::move(message.body), told_, now);
}

// The connection, if it has had a frame from that key before.
LinkListener::Connected* LinkListener::find(const Received& message, std::string_view key) {
    const auto found = connected_.find(std::string{as_text(message.routing_id.bytes())});
    return found == connected_.end() || found->second.key != key ? nullptr : &found->second;
}

void LinkListener::reopen(Connected& from, const Received& message) {
    routing_ids_.erase(from.link);
    from.link = new_link_();
    from.closed = false;
    live_.begin(from.key);
    routing_ids_[from.link] = as_text(message.routing_id.bytes());
    (void)router_.bind(message.body, from.link.value);  // in its predecessor's place
}

LinkListener::Connected& LinkListener::connected(core::Exchange& exchange, const Received& message,
                                                 std::string key, Time now) {
    std::string routing_id{as_text(message.routing_id.bytes())};
    if (const auto found = connected_.find(routing_id); found != connected_.end()) {
        end(found->second.link);  // a routing id is not bound to a key
        tell_gone(exchange, now);
    }
    const core::LinkId link = new_link_();
    watch_connections(now);  // its acceptance must be known before it is bound
    if (const auto before = router_.bind(message.body, link.value)) end(core::LinkId{*before});
    routing_ids_[link] = routing_id;
    Connected& made = connected_[std::move(routing_id)];
    made = {.link = link, .key = std::move(key), .closed = false};
    live_.begin(made.key);
    exchange.on_link_up(link, made.key, false, now);
    return made;
}

void LinkListener::send(const core::ToLink& out) {
    const auto found = routing_ids_.find(out.link);
    if (found == routing_ids_.end()) return;
    if (connected_.at(found->second).closed) return;
    if (send_message(router_.socket(), found->second, false, frame_for(out)) != Sent::taken) {
        ++told_.counters.unreachable;
        end(out.link);
    }
}

void LinkListener::close(core::LinkId link) {
    const auto found = routing_ids_.find(link);
    if (found == routing_ids_.end()) return;
    Connected& peer = connected_.at(found->second);
    if (!std::exchange(peer.closed, true)) live_.end(peer.key);
}

void LinkListener::end_strangers(core::Exchange& exchange, Time now) {
    std::vector<core::LinkId> strangers;
    for (const auto& [routing_id, peer] : connected_)
        if (peers_.name_of(peer.key) == nullptr) strangers.push_back(peer.link);
    for (const core::LinkId link : strangers) end(link);
    tell_gone(exchange, now);
}

void LinkListener::hang_up(core::Exchange& exchange, Time now) {
    linger();
    std::vector<core::LinkId> all;
    for (const auto& [link, routing_id] : routing_ids_) all.push_back(link);
    for (const core::LinkId link : all) end(link);
    tell_gone(exchange, now);
}

void LinkListener::end(core::LinkId link) {
    const auto found = routing_ids_.find(link);
    if (found == routing_ids_.end()) return;
    const auto peer = connected_.find(found->second);
    BUS_ASSERT(peer != connected_.end() && peer->second.link == link);
    if (!peer->second.closed) {
        gone_.push_back(link);
        live_.end(peer->second.key);
    }
    connected_.erase(peer);
    routing_ids_.erase(found);
}

void LinkListener::tell_gone(core::Exchange& exchange, Time now) {
    for (const core::LinkId link : gone_) exchange.on_link_down(link, now);
    gone_.clear();
}

}  // namespace bus::io
