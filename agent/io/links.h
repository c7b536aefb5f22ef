// All connections to peers: the listening socket, one dialler per configured
// address, and the authenticator in front.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/authenticator.h"
#include "io/link_dialler.h"
#include "io/link_listener.h"

namespace bus::io {

// One of the configuration's peers.
struct LinkPeer {
    std::string name, key;               // Z85
    std::optional<TcpEndpoint> address;  // without: it dials us
};

class Links {
  public:
    // Throws Error where an address to listen on cannot be bound.
    Links(Context& context, LinkKeys own, const std::vector<std::string>& listen, Told& told);

    // The peers from now on. A connection whose key and address did not change stays; the
    // links of removed keys end, and what their connections still send is ignored. Parked diallers
    // try again.
    void set_peers(const std::vector<LinkPeer>& peers, core::Exchange& exchange, Time now);
    std::vector<std::string> endpoints() const;

    void add_to(PollSet& poll);
    void receive_into(core::Exchange& exchange, const PollSet& poll, Time now);
    void advance(Time now);
    Time next_deadline() const;
    void send(const core::ToLink& out);
    void close(const core::Effects::CloseLink& what, Time now);
    // The last words may leave after the sockets are closed.
    void linger();
    // Something is left to be told to the exchange: do not wait.
    bool has_news() const;

  private:
    // The low half of a link's id names its carrier: a dialler's ticket, or 0, the listener.
    core::LinkId next_link(std::uint32_t carrier) {
        return core::LinkId{(++last_link_ << 32) | carrier};
    }
    static std::uint32_t carrier_of(core::LinkId link) {
        return static_cast<std::uint32_t>(link.value);
    }
    LinkDialler* dialler_of(core::LinkId link);
    void dial_new(const std::vector<DialTarget>& wanted);

    Context& context_;
    const LinkKeys own_;
    Told& told_;
    std::uint64_t last_link_ = 0;
    PeerKeys keys_;
    LiveLinks live_;
    Authenticator authenticator_;  // bound before the listener
    Resolver resolver_;
    PollSet::Slot resolver_slot_ = 0;
    std::optional<LinkListener> listener_;
    std::uint32_t last_ticket_ = 0;
    std::unordered_map<std::uint32_t, std::unique_ptr<LinkDialler>> diallers_;  // by ticket
};

}  // namespace bus::io
