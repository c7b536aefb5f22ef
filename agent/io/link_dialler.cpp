#include "io/link_dialler.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/clock.h"
#include "bus/error.h"
#include "limits.h"

namespace bus::io {
namespace {

using namespace std::chrono_literals;

constexpr Duration first_pause = 250ms;
constexpr Duration longest_pause = 10s;
constexpr Duration parked_pause = 30s;
constexpr auto connect_timeout = 5'000ms;
// libzmq's own limits (connect, then handshake) come first; this one makes no attempt eternal.
constexpr Duration attempt_patience = 15s;

std::string cause_of(const MonitorEvent& event) {
    switch (event.event) {
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            return "it refuses our key (is it among its \"peers\"?)";
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            return event.value == static_cast<int>(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
                       ? "it does not encrypt: no agent listens there"
                       : "the handshake broke the protocol (is its key the configured one?)";
        default:
            return "it ended the handshake (is its key the configured one?)";
    }
}

}  // namespace

std::string seconds_text(Duration duration) {
    return fmt::format("{:.1f} s", std::chrono::duration<double>(duration).count());
}

LinkDialler::LinkDialler(Context& context, DialTarget target, const LinkKeys& own,
                         Resolver& resolver, std::uint32_t ticket, NewLink new_link,
                         LiveLinks& live, Told& told)
    : context_(context),
      target_(std::move(target)),
      own_(own),
      resolver_(resolver),
      ticket_(ticket),
      new_link_(std::move(new_link)),
      live_(live),
      told_(told),
      backoff_(first_pause, longest_pause) {}

Time LinkDialler::next_deadline() const {
    return resolving_ || link_ || waits_for_end_of_other() ? never : due_;
}

void LinkDialler::advance(Time now) {
    if (next_deadline() > now) return;
    if (attempt_) {
        cause_ = "no answer from " + target_.address.text();
        return fail(now);
    }
    parked_ = false;
    if (target_.address.is_numeric()) return dial(target_.address, now);
    resolving_ = true;
    resolver_.ask(ticket_, target_.address);
}

void LinkDialler::on_resolved(const Resolver::Answer& answer, Time now) {
    if (!std::exchange(resolving_, false)) return;  // closed meanwhile
    if (!answer.addresses.empty())
        return dial(answer.addresses[attempts_ % answer.addresses.size()], now);
    cause_ = "cannot look up " + target_.address.host + ": " + answer.error;
    fail(now);
}

void LinkDialler::dial(const TcpEndpoint& address, Time now) try {
    ++attempts_;
    due_ = now + attempt_patience;
    cause_ = "cannot reach " + address.text();
    lost_ = polled_ = false;
    Socket& socket = attempt_.emplace(context_).socket;
    set_link_options(socket);
    socket.set(ZMQ_IPV6, address.is_ipv6() ? 1 : 0);
    socket.set(ZMQ_RECONNECT_IVL, -1);
    socket.set(ZMQ_CONNECT_TIMEOUT, connect_timeout);
    socket.set(ZMQ_CURVE_SERVERKEY, std::string_view{target_.key});
    socket.set(ZMQ_CURVE_PUBLICKEY, std::string_view{own_.public_key});
    socket.set(ZMQ_CURVE_SECRETKEY, std::string_view{own_.secret_key});
    socket.connect(address.text());
} catch (const Error& error) {  // out of descriptors: the next attempt may find some
    cause_ = error.what();
    fail(now);
}

void LinkDialler::fail(Time now) {
    attempt_.reset();
    lost_ = false;
    const Duration pause = backoff_.next(random_u64());
    due_ = now + pause;
    if (std::exchange(told_cause_, cause_) == cause_) return;
    told_.say(core::Event::Kind::link_down, now, target_.name,
              cause_ + "; next attempt in " + seconds_text(pause));
}

void LinkDialler::add_to(PollSet& poll) {
    polled_ = attempt_.has_value();
    if (!polled_) return;
    slot_ = poll.add(attempt_->socket);
    monitor_slot_ = poll.add(attempt_->monitor.fd());
}

void LinkDialler::receive_into(core::Exchange& exchange, const PollSet& poll, Time now) {
    if (!polled_ || !attempt_) return;
    // The handshake's end precedes the first frame, but frames may overtake the poll.
    if (attempt_->monitor.has_news(poll.ready(monitor_slot_)) || (!link_ && poll.ready(slot_)))
        watch(exchange, now);
    if (!poll.ready(slot_) && !lost_) return;
    Frame frame;
    for (std::size_t i = 0; i < limits::turn_frames_per_socket; ++i) {
        bool more = false;
        if (!attempt_->socket.receive(frame, more)) {
            if (lost_) on_lost(exchange, now);
            return;
        }
        if (more) {  // a body is one frame (FACTS trap G)
            attempt_->socket.skip_rest();
            ++told_.counters.malformed_link;
            continue;
        }
        BUS_ASSERT(link_.has_value());
        take_link_frame(exchange, *link_, std::move(frame), told_, now);
    }
}

void LinkDialler::watch(core::Exchange& exchange, Time now) {
    monitor_events_.clear();
    attempt_->monitor.drain(monitor_events_);
    for (const MonitorEvent& event : monitor_events_) on_event(exchange, event, now);
}

void LinkDialler::on_event(core::Exchange& exchange, const MonitorEvent& event, Time now) {
    switch (event.event) {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
            link_ = new_link_();
            live_.begin(target_.key);
            backoff_.reset();
            cause_ = "the connection was lost";
            told_cause_.clear();
            exchange.on_link_up(*link_, target_.key, true, now);
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            cause_ = cause_of(event);
            break;
        case ZMQ_EVENT_CLOSED:
        case ZMQ_EVENT_DISCONNECTED:
            lost_ = true;
            break;
        default:  // libzmq has more
            break;
    }
}

std::optional<core::LinkId> LinkDialler::give_up_link() {
    if (link_) live_.end(target_.key);
    return std::exchange(link_, std::nullopt);
}

void LinkDialler::on_lost(core::Exchange& exchange, Time now) {
    const auto was = give_up_link();
    if (was) told_cause_ = cause_;  // the exchange tells of a lost link, and of what waits for it
    fail(now);
    if (was) exchange.on_link_down(*was, now);
}

void LinkDialler::send(const core::ToLink& out) {
    if (link_ != out.link) return;
    // Without a mark only a connection that is gone takes nothing; the monitor tells so soon.
    if (attempt_->socket.send(frame_for(out)) != Sent::taken) {
        ++told_.counters.unreachable;
        lost_ = true;
    }
}

void LinkDialler::close(core::LinkId link, bool parked, Time now) {
    if (link_ != link) return;
    give_up_link();
    linger();
    attempt_.reset();
    lost_ = false;
    parked_ = parked;
    due_ = now + (parked ? parked_pause : backoff_.next(random_u64()));
}

void LinkDialler::end_parking(Time now) {
    if (parked_) due_ = now;
}

void LinkDialler::linger() {
    if (attempt_) attempt_->socket.set(ZMQ_LINGER, farewell);
}

void LinkDialler::hang_up(core::Exchange& exchange, Time now) {
    linger();
    attempt_.reset();
    if (const auto was = give_up_link()) exchange.on_link_down(*was, now);
}

}  // namespace bus::io
