// The connection to one peer that has addresses, tried for ever. Each attempt
// is a socket of its own, and libzmq's reconnect is switched off: it gives up
// for good after a protocol error (FACTS trap D), keeps what it resolved once
// and resolves on its I/O thread (trap F), and mixes frames of two connections.
// So an attempt either becomes one link, or fails and is followed by the next
// way to the peer (dial_round.h), and, when all have failed, by another round
// after a jittered back-off, with every name looked up again.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/exchange.h"
#include "io/backoff.h"
#include "io/dial_round.h"
#include "io/link_peer.h"
#include "io/link_socket.h"
#include "io/live_links.h"
#include "io/monitor.h"
#include "io/poll_set.h"
#include "io/resolver.h"

namespace bus::io {

class LinkDialler {
  public:
    using NewLink = std::function<core::LinkId()>;

    // Dials at the first advance(). `target` has addresses. `own` proves who is dialling. `ticket`:
    // marks its questions to the resolver.
    LinkDialler(Context& context, LinkPeer target, LinkKeys own, Resolver& resolver,
                std::uint32_t ticket, NewLink new_link, LiveLinks& live, Told& told);
    const LinkPeer& target() const { return target_; }

    // The configuration was read again. The link stays if what it was made with, a key and an
    // address, is still the peer's; what was refused for good may be allowed now.
    void retarget(const LinkPeer& target, core::Exchange& exchange, Time now);
    // The link, if there is one, was made with another key: it ends and is made anew.
    void use_own_keys(const LinkKeys& own, core::Exchange& exchange, Time now);
    void advance(Time now);
    Time next_deadline() const;
    void on_resolved(const Resolver::Answer& answer, Time now);

    void add_to(PollSet& poll);
    void receive_into(core::Exchange& exchange, const PollSet& poll, Time now);
    // Nothing happens if the link has ended.
    void send(const core::ToLink& out);
    // The exchange is done with it: dial again after the back-off, or, parked, much later and only
    // while the peer has no other link.
    void close(core::LinkId link, bool parked, Time now);
    // Before it is destroyed while the exchange goes on.
    void hang_up(core::Exchange& exchange, Time now);
    void linger();
    void end_silent_line() const;
    bool has_news() const { return lost_; }

  private:
    struct Attempt {
        explicit Attempt(Context& context)
            : socket(context, ZMQ_DEALER), monitor(context, socket) {}
        Socket socket;
        Monitor monitor;
    };

    void take_next_way(Time now);
    void dial(Time now);
    void watch(core::Exchange& exchange, Time now);
    void on_event(core::Exchange& exchange, const MonitorEvent& event, Time now);
    void on_handshaken(core::Exchange& exchange, Time now);
    std::string why_unreachable(Time now) const;
    // Ends the attempt; the next way is tried at once, or, when this was the last, a round later.
    void fail(Time now);
    void begin_round(Time at);
    void on_lost(core::Exchange& exchange, Time now);
    std::optional<core::LinkId> give_up_link(Time now);
    bool is_link_of(const LinkPeer& target) const;
    bool waits_for_end_of_other() const { return parked_ && live_.has_any(target_.keys); }
    const TcpEndpoint& address() const { return target_.addresses[round_.address()]; }

    Context& context_;
    LinkPeer target_;
    LinkKeys own_;
    Resolver& resolver_;
    const std::uint32_t ticket_;
    const NewLink new_link_;
    LiveLinks& live_;
    Told& told_;

    Backoff backoff_;
    DialRound round_;
    std::size_t first_key_ = 0;  // of the peer's: the one that was proven last
    Time due_{};                 // of the next attempt, or, while there is one, of its end
    Time dialled_{};             // when the attempt began
    bool parked_ = false;
    bool resolving_ = false;
    std::optional<Attempt> attempt_;
    std::string key_;                   // the peer's, that the attempt asks it to prove
    TcpEndpoint address_;               // as configured, that the attempt is at
    std::optional<core::LinkId> link_;  // once the handshake was completed
    int line_ = -1;                     // the attempt's connection, which libzmq owns
    Time up_since_{};                   // of the link
    bool reached_ = false;              // somebody took the connection
    bool lost_ = false;                 // the connection has ended; what it brought is being read
    bool handshake_failed_ =
        false;                  // the connection was made, and another key may be the right one
    std::string cause_;         // why the current attempt fails
    std::string round_causes_;  // why those of this round did
    std::string told_causes_;   // already told, and nothing has worked since
    std::vector<MonitorEvent> monitor_events_;  // reused
    PollSet::Slot slot_ = 0, monitor_slot_ = 0;
    bool polled_ = false;  // the slots are of this turn
};

// "1.2 s"
std::string seconds_text(Duration duration);

}  // namespace bus::io
