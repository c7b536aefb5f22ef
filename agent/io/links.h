// All connections to peers: a listening socket for each of this agent's keys,
// a dialler for each peer that has an address, and the authenticator in front.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/authenticator.h"
#include "io/link_dialler.h"
#include "io/link_listener.h"
#include "io/link_peer.h"

namespace bus::io {

class Links {
  public:
    // `own`: this agent's keys, the current one first. Throws Error where an address to listen on
    // cannot be bound.
    Links(Context& context, std::vector<LinkKeys> own, const std::vector<TcpEndpoint>& listen,
          Told& told);

    // The peers from now on. A connection whose key and address are still the peer's stays; the
    // links of removed keys end, and what their connections still send is ignored. Parked diallers
    // try again.
    void set_peers(const std::vector<LinkPeer>& peers, core::Exchange& exchange, Time now);
    // This agent's keys from now on. It listens with each of them, and dials with the first. Links
    // that were made with another one end and are made anew. Throws Error, and then nothing
    // changes.
    void set_own_keys(std::vector<LinkKeys> own, core::Exchange& exchange, Time now);
    std::vector<std::string> endpoints() const;

    void add_to(PollSet& poll);
    void receive_into(core::Exchange& exchange, const PollSet& poll, Time now);
    // Where this agent did not listen before. Throws Error where an address cannot be had; then it
    // listens nowhere still.
    void listen(const std::vector<TcpEndpoint>& listen);
    void advance(Time now);
    Time next_deadline() const;
    void send(const core::ToLink& out);
    void close(const core::Effects::CloseLink& what, Time now);
    // The last words may leave after the sockets are closed.
    void linger();
    // Something is left to be told to the exchange: do not wait.
    bool has_news() const;

  private:
    // The low half of a link's id names its carrier: the ticket of a dialler or of a listener.
    core::LinkId next_link(std::uint32_t carrier) {
        return core::LinkId{(++last_link_ << 32) | carrier};
    }
    static std::uint32_t carrier_of(core::LinkId link) {
        return static_cast<std::uint32_t>(link.value);
    }
    LinkDialler* dialler_of(core::LinkId link);
    LinkListener* listener_of(core::LinkId link);
    void listen_with(const LinkKeys& own, std::vector<ListeningSocket> places);
    void end_listeners_without_key(core::Exchange& exchange, Time now);
    void dial(const LinkPeer& peer);
    void end_silent_lines(Time now);

    Context& context_;
    std::vector<LinkKeys> own_;
    Told& told_;
    std::uint64_t last_link_ = 0;
    Time lines_due_{};  // to be looked at
    PeerKeys keys_;
    LiveLinks live_;
    Authenticator authenticator_;  // bound before the listener
    Resolver resolver_;
    PollSet::Slot resolver_slot_ = 0;
    std::uint32_t last_ticket_ = 0;
    std::unordered_map<std::uint32_t, std::unique_ptr<LinkListener>> listeners_;  // by ticket
    std::unordered_map<std::uint32_t, std::unique_ptr<LinkDialler>> diallers_;    // by ticket
};

}  // namespace bus::io
