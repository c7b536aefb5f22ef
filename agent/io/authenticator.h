// Answers libzmq's question who may finish a CURVE handshake (ZAP, ZeroMQ RFC
// 27): the keys of the configured peers, nobody else. It must be bound before
// the first listening socket, which insists on it (ZMQ_ZAP_ENFORCE_DOMAIN):
// without a handler libzmq lets every key in.
#pragma once

#include "io/peer_keys.h"
#include "io/poll_set.h"
#include "io/socket.h"
#include "io/told.h"

namespace bus::io {

class Authenticator {
  public:
    // The domain that listening sockets name.
    static constexpr std::string_view domain = "link";

    Authenticator(Context& context, const PeerKeys& keys, Told& told);
    void add_to(PollSet& poll) { slot_ = poll.add(socket_); }
    void answer(const PollSet& poll, Time now);

  private:
    bool answer_one(Time now);

    const PeerKeys& keys_;
    Told& told_;
    Socket socket_;
    PollSet::Slot slot_ = 0;
};

}  // namespace bus::io
