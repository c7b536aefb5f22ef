// The connection to one peer's address, tried for ever. Each attempt is a
// socket of its own, and libzmq's reconnect is switched off: it gives up for
// good after a protocol error (FACTS trap D), keeps what it resolved once and
// resolves on its I/O thread (trap F), and mixes frames of two connections.
// So an attempt either becomes one link, or fails and is followed by another
// after a jittered back-off, with the name looked up again.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/exchange.h"
#include "io/backoff.h"
#include "io/link_socket.h"
#include "io/live_links.h"
#include "io/monitor.h"
#include "io/poll_set.h"
#include "io/resolver.h"

namespace bus::io {

struct DialTarget {
    std::string name;  // the peer's
    std::string key;   // Z85
    TcpEndpoint address;
    friend bool operator==(const DialTarget&, const DialTarget&) = default;
};

class LinkDialler {
  public:
    using NewLink = std::function<core::LinkId()>;

    // Dials at the first advance(). `ticket`: marks its questions to the resolver.
    LinkDialler(Context& context, DialTarget target, const LinkKeys& own, Resolver& resolver,
                std::uint32_t ticket, NewLink new_link, LiveLinks& live, Told& told);
    const DialTarget& target() const { return target_; }

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
    // The configuration was read again: what was refused for good may be allowed now.
    void end_parking(Time now);
    // Before it is destroyed while the exchange goes on.
    void hang_up(core::Exchange& exchange, Time now);
    void linger();
    bool has_news() const { return lost_; }

  private:
    struct Attempt {
        explicit Attempt(Context& context)
            : socket(context, ZMQ_DEALER), monitor(context, socket) {}
        Socket socket;
        Monitor monitor;
    };

    void dial(const TcpEndpoint& address, Time now);
    void watch(core::Exchange& exchange, Time now);
    void on_event(core::Exchange& exchange, const MonitorEvent& event, Time now);
    // Ends the attempt and plans the next.
    void fail(Time now);
    void on_lost(core::Exchange& exchange, Time now);
    std::optional<core::LinkId> give_up_link();
    bool waits_for_end_of_other() const { return parked_ && live_.has(target_.key); }

    Context& context_;
    const DialTarget target_;
    const LinkKeys& own_;
    Resolver& resolver_;
    const std::uint32_t ticket_;
    const NewLink new_link_;
    LiveLinks& live_;
    Told& told_;

    Backoff backoff_;
    std::uint64_t attempts_ = 0;
    Time due_{};  // of the next attempt, or, while there is one, of its end
    bool parked_ = false;
    bool resolving_ = false;
    std::optional<Attempt> attempt_;
    std::optional<core::LinkId> link_;  // once the handshake was completed
    bool lost_ = false;                 // the connection has ended; what it brought is being read
    std::string cause_;                 // why the current attempt fails
    std::string told_cause_;            // already told, and nothing has worked since
    std::vector<MonitorEvent> monitor_events_;  // reused
    PollSet::Slot slot_ = 0, monitor_slot_ = 0;
    bool polled_ = false;  // the slots are of this turn
};

// "1.2 s"
std::string seconds_text(Duration duration);

}  // namespace bus::io
