// The ways to a peer, in the order in which they are tried: each of its
// addresses in turn, each numeric address that its name has, and there each of
// its keys. A round ends when all have failed; then comes a pause. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "io/endpoint.h"

namespace bus::io {

class DialRound {
  public:
    // Handshakes at one place. More than there are keys: while the peer's keys roll over, either of
    // two may answer at its port, by chance.
    static std::size_t handshakes_max(std::size_t keys) {
        return std::max<std::size_t>(3, 2 * keys);
    }

    DialRound(std::size_t addresses, std::size_t keys) : addresses_(addresses), keys_(keys) {}

    bool is_over() const { return address_ == addresses_; }
    // Of the peer's list. Requires: not is_over().
    std::size_t address() const { return address_; }
    // Must its name be looked up before there is a place to dial?
    bool needs_places() const { return places_.empty(); }
    void set_places(std::vector<TcpEndpoint> places) { places_ = std::move(places); }
    const TcpEndpoint& place() const { return places_[place_]; }
    // Of the peer's list, if `first` is the one to begin with.
    std::size_t key(std::size_t first) const { return (first + handshakes_) % keys_; }

    // What was tried last has failed.
    void handshake_failed() {
        if (++handshakes_ >= handshakes_max(keys_)) next_place();
    }
    void next_place() {
        handshakes_ = 0;
        if (++place_ >= places_.size()) next_address();
    }

  private:
    void next_address() {
        places_.clear();
        place_ = 0;
        ++address_;
    }

    std::size_t addresses_, keys_;
    std::size_t address_ = 0, place_ = 0, handshakes_ = 0;
    std::vector<TcpEndpoint> places_;  // of the current address
};

}  // namespace bus::io
