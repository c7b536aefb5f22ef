#include "gateways/connection.h"

#include "base/clock.h"
#include "bus/error.h"

namespace bus::bench {
namespace {

using namespace std::chrono_literals;

// As agent/io/link_dialler.cpp has them.
constexpr Duration first_pause = 250ms;
constexpr Duration longest_pause = 10s;
constexpr auto connect_timeout = 5'000ms;
constexpr Duration attempt_patience = 15s;

bool ends_the_attempt(int event) {
    return event == ZMQ_EVENT_CLOSED || event == ZMQ_EVENT_DISCONNECTED;
}

}  // namespace

Connection::Connection(io::Context& context, const HubAddress& hub, io::LinkKeys own,
                       Readiness& readiness, void* owner, Tally& tally)
    : context_(context),
      hub_(hub),
      own_(std::move(own)),
      readiness_(readiness),
      owner_(owner),
      tally_(tally),
      backoff_(first_pause, longest_pause) {}

Connection::~Connection() {
    if (attempt_) give_up({});
}

void Connection::begin(Time now) { due_ = now + backoff_.next(random_u64()); }

void Connection::advance(Time now) {
    if (now < due()) return;
    if (attempt_) return give_up(now);
    dial(now);
}

// libzmq closes sockets at its leisure, so there may be none left for a moment.
void Connection::dial(Time now) try {
    ++tally_.dials;
    due_ = now + attempt_patience;
    io::Socket& socket = attempt_.emplace(context_).socket;
    io::set_link_options(socket);
    socket.set(ZMQ_RECONNECT_IVL, -1);
    socket.set(ZMQ_CONNECT_TIMEOUT, connect_timeout);
    socket.set(ZMQ_CURVE_SERVERKEY, std::string_view{hub_.key});
    socket.set(ZMQ_CURVE_PUBLICKEY, std::string_view{own_.public_key});
    socket.set(ZMQ_CURVE_SECRETKEY, std::string_view{own_.secret_key});
    socket.connect(hub_.endpoint);
    readiness_.watch(socket.fd(), owner_);
    readiness_.watch(attempt_->monitor.fd(), owner_);
} catch (const Error&) {
    ++tally_.without_socket;
    attempt_.reset();
    due_ = now + backoff_.next(random_u64());
}

void Connection::give_up(Time now) {
    readiness_.forget(attempt_->socket.fd());
    readiness_.forget(attempt_->monitor.fd());
    attempt_.reset();
    up_ = false;
    due_ = now + backoff_.next(random_u64());
}

Connection::News Connection::news(Time now) {
    if (!attempt_) return News::none;
    events_.clear();
    attempt_->monitor.drain(events_);
    for (const io::MonitorEvent& event : events_) {
        if (event.event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            ++tally_.handshakes;
            backoff_.reset();
            up_ = true;
            return News::up;
        }
        if (!ends_the_attempt(event.event)) continue;
        const bool was_up = up_;
        give_up(now);
        if (!was_up) return News::none;
        ++tally_.losses;
        return News::lost;
    }
    return News::none;
}

bool Connection::receive(io::Frame& into) {
    bool more = false;
    return up_ && attempt_->socket.receive(into, more);
}

void Connection::send(io::Frame frame) {
    // What finds no connection is lost with it, as anything in libzmq's pipes; the monitor tells.
    (void)attempt_->socket.send(std::move(frame));
}

}  // namespace bus::bench
