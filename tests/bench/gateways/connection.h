// A gateway's connection to the hub: dialled, lost, and dialled again after
// the pauses that an agent's own dialler makes (agent/io/link_dialler.h).
#pragma once

#include <optional>
#include <string>

#include "gateways/readiness.h"
#include "gateways/tally.h"
#include "io/backoff.h"
#include "io/link_socket.h"
#include "io/monitor.h"

namespace bus::bench {

struct HubAddress {
    std::string endpoint, key;  // "tcp://127.0.0.1:7700"; Z85
};

class Connection {
  public:
    enum class News { none, up, lost };

    // `owner` is told of by `readiness` when there is something to read.
    Connection(io::Context& context, const HubAddress& hub, io::LinkKeys own, Readiness& readiness,
               void* owner, Tally& tally);
    ~Connection();

    const std::string& public_key() const noexcept { return own_.public_key; }
    // Dials for the first time within one pause from now on.
    void begin(Time now);
    // When advance() has something to do.
    Time due() const { return up_ ? never : due_; }
    void advance(Time now);
    // What has happened to it; to be asked whenever there is something to read.
    News news(Time now);
    bool receive(io::Frame& into);
    // Requires: it is up.
    void send(io::Frame frame);

  private:
    struct Attempt {
        explicit Attempt(io::Context& context)
            : socket(context, ZMQ_DEALER), monitor(context, socket) {}
        io::Socket socket;
        io::Monitor monitor;
    };
    void dial(Time now);
    void give_up(Time now);

    io::Context& context_;
    const HubAddress& hub_;
    const io::LinkKeys own_;
    Readiness& readiness_;
    void* const owner_;
    Tally& tally_;
    io::Backoff backoff_;
    std::optional<Attempt> attempt_;
    bool up_ = false;
    Time due_ = never;
    std::vector<io::MonitorEvent> events_;
};

}  // namespace bus::bench
