#include "io/link_dialler.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/clock.h"
#include "bus/error.h"
#include "io/silent_line.h"
#include "limits.h"

namespace bus::io {
namespace {

using namespace std::chrono_literals;

// The first one is that of a thousand peers whose hub restarts: each handshake takes it 0.6 ms.
constexpr Duration first_pause = 1s;
constexpr Duration longest_pause = 10s;
// A link that ends sooner was none: the pauses go on growing.
constexpr Duration lasting = 10s;
constexpr Duration parked_pause = 30s;
constexpr auto connect_timeout = 5'000ms;
// libzmq's own limits (connect, then handshake) come first; this one makes no attempt eternal.
constexpr Duration attempt_patience = 15s;

// It costs both sides a key exchange, and a peer that is overloaded fails it as well.
Duration between_handshakes(std::uint64_t random) {
    return std::chrono::milliseconds{random % 200};
}

// Behind the address.
std::string cause_of(const MonitorEvent& event) {
    switch (event.event) {
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            return " refuses our key (is it among the \"peers\" there?)";
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            return event.value == static_cast<int>(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
                       ? " does not encrypt: no agent listens there"
                       : " broke the protocol in the handshake (is its key the configured one?)";
        default:
            return " ended the handshake (is its key the configured one?)";
    }
}

}  // namespace

std::string seconds_text(Duration duration) {
    return fmt::format("{:.1f} s", std::chrono::duration<double>(duration).count());
}

LinkDialler::LinkDialler(Context& context, LinkPeer target, LinkKeys own, Resolver& resolver,
                         std::uint32_t ticket, NewLink new_link, LiveLinks& live, Told& told)
    : context_(context),
      target_(std::move(target)),
      own_(std::move(own)),
      resolver_(resolver),
      ticket_(ticket),
      new_link_(std::move(new_link)),
      live_(live),
      told_(told),
      backoff_(first_pause, longest_pause),
      round_(target_.addresses.size(), target_.keys.size()) {}

Time LinkDialler::next_deadline() const {
    return resolving_ || link_ || waits_for_end_of_other() ? never : due_;
}

void LinkDialler::advance(Time now) {
    if (next_deadline() > now) return;
    if (attempt_) {
        if (reached_) cause_ = round_.place().text() + " does not answer the handshake";
        return fail(now);
    }
    parked_ = false;
    take_next_way(now);
}

void LinkDialler::take_next_way(Time now) {
    if (round_.needs_places() && address().is_numeric()) round_.set_places({address()});
    if (!round_.needs_places()) return dial(now);
    resolving_ = true;
    resolver_.ask(ticket_, address());
}

void LinkDialler::on_resolved(const Resolver::Answer& answer, Time now) {
    if (!resolving_ || answer.name != address()) return;  // of an earlier configuration
    resolving_ = false;
    if (!answer.addresses.empty()) {
        round_.set_places(answer.addresses);
        return dial(now);
    }
    cause_ = "cannot look up " + answer.name.host + ": " + answer.error +
             " (is its \"address\" right, and does this host's name server answer?)";
    fail(now);
}

void LinkDialler::dial(Time now) try {
    const TcpEndpoint& place = round_.place();
    key_ = target_.keys[round_.key(first_key_)];
    address_ = address();
    due_ = now + attempt_patience;
    dialled_ = now;
    cause_.clear();
    reached_ = lost_ = polled_ = handshake_failed_ = false;
    Socket& socket = attempt_.emplace(context_).socket;
    set_link_options(socket);
    socket.set(ZMQ_IPV6, place.is_ipv6() ? 1 : 0);
    socket.set(ZMQ_RECONNECT_IVL, -1);
    socket.set(ZMQ_CONNECT_TIMEOUT, connect_timeout);
    socket.set(ZMQ_CURVE_SERVERKEY, std::string_view{key_});
    socket.set(ZMQ_CURVE_PUBLICKEY, std::string_view{own_.public_key});
    socket.set(ZMQ_CURVE_SECRETKEY, std::string_view{own_.secret_key});
    socket.connect(place.text());
} catch (const Error& error) {  // out of descriptors: the next attempt may find some
    cause_ = error.what();
    fail(now);
}

// libzmq does not tell the error, but it does not try for longer than this.
std::string LinkDialler::why_unreachable(Time now) const {
    const std::string place = round_.place().text();
    if (reached_) return place + " ended the connection (is it an agent that listens there?)";
    const bool refused = now - dialled_ < connect_timeout;
    return "cannot reach " + place +
           (refused ? ": refused at once (does an agent listen there?)"
                    : fmt::format(": no answer within {} s (is the host up, and does a firewall "
                                  "let it through?)",
                                  connect_timeout / 1s));
}

void LinkDialler::fail(Time now) {
    if (cause_.empty()) cause_ = why_unreachable(now);
    attempt_.reset();
    lost_ = false;
    if (round_causes_.find(cause_) == std::string::npos)
        round_causes_ += (round_causes_.empty() ? "" : "; ") + cause_;
    due_ = now;
    if (std::exchange(handshake_failed_, false)) {
        round_.handshake_failed();
        due_ += between_handshakes(random_u64());
    } else {
        round_.next_place();
    }
    if (!round_.is_over()) return;
    const Duration pause = backoff_.next(random_u64());
    const std::string causes = std::exchange(round_causes_, {});
    begin_round(now + pause);
    told_.failed_dials.push_back({target_.name, causes});
    if (std::exchange(told_causes_, causes) == causes) return;
    told_.say(core::Event::Kind::link_down, now, target_.name,
              causes + "; next attempt in " + seconds_text(pause));
}

void LinkDialler::begin_round(Time at) {
    round_ = DialRound{target_.addresses.size(), target_.keys.size()};
    round_causes_.clear();
    due_ = at;
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
            on_handshaken(exchange, now);
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:  // its key is right, ours is refused
            cause_ = round_.place().text() + cause_of(event);
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            cause_ = round_.place().text() + cause_of(event);
            handshake_failed_ = true;
            break;
        case ZMQ_EVENT_CONNECTED:
            line_ = event.value;
            reached_ = true;
            break;
        case ZMQ_EVENT_CLOSED:
        case ZMQ_EVENT_DISCONNECTED:
            lost_ = true;
            break;
        default:  // libzmq has more
            break;
    }
}

void LinkDialler::on_handshaken(core::Exchange& exchange, Time now) {
    link_ = new_link_();
    up_since_ = now;
    live_.begin(key_);
    first_key_ = round_.key(first_key_);
    begin_round(now);
    told_causes_.clear();
    exchange.on_link_up(*link_, key_, true, now);
}

std::optional<core::LinkId> LinkDialler::give_up_link(Time now) {
    if (!link_) return std::nullopt;
    live_.end(key_);
    if (now - up_since_ >= lasting) backoff_.reset();
    return std::exchange(link_, std::nullopt);
}

void LinkDialler::on_lost(core::Exchange& exchange, Time now) {
    const auto was = give_up_link(now);
    if (!was) return fail(now);
    // The exchange tells of a lost link, and of what waits for it.
    attempt_.reset();
    lost_ = false;
    begin_round(now + backoff_.next(random_u64()));
    exchange.on_link_down(*was, now);
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
    give_up_link(now);
    linger();
    attempt_.reset();
    lost_ = false;
    parked_ = parked;
    begin_round(now + (parked ? parked_pause : backoff_.next(random_u64())));
}

bool LinkDialler::is_link_of(const LinkPeer& target) const {
    return link_ && std::ranges::find(target.keys, key_) != target.keys.end() &&
           std::ranges::find(target.addresses, address_) != target.addresses.end();
}

void LinkDialler::retarget(const LinkPeer& target, core::Exchange& exchange, Time now) {
    const bool same_ways = target.keys == target_.keys && target.addresses == target_.addresses;
    if (link_ && !is_link_of(target)) hang_up(exchange, now);
    target_ = target;
    if (parked_) due_ = now;
    if (same_ways) return;
    const auto proven = std::ranges::find(target_.keys, key_);
    first_key_ =
        proven == target_.keys.end() ? 0 : static_cast<std::size_t>(proven - target_.keys.begin());
    resolving_ = false;
    if (!link_) attempt_.reset();
    begin_round(now);
}

void LinkDialler::use_own_keys(const LinkKeys& own, core::Exchange& exchange, Time now) {
    own_ = own;
    hang_up(exchange, now);
    resolving_ = false;
    begin_round(now);
}

void LinkDialler::end_silent_line() const {
    if (link_ && !lost_) shut_down_if_silent(line_);
}

void LinkDialler::linger() {
    if (attempt_) attempt_->socket.set(ZMQ_LINGER, farewell);
}

void LinkDialler::hang_up(core::Exchange& exchange, Time now) {
    linger();
    attempt_.reset();
    lost_ = false;
    if (const auto was = give_up_link(now)) exchange.on_link_down(*was, now);
}

}  // namespace bus::io
