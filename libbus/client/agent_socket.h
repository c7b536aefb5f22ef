// One attachment to the agent: a DEALER on the agent's ipc socket with its
// monitor. Made anew for every attachment, so that nothing of an old session is
// left in its pipes. While the agent is away libzmq tries again by itself; once
// a connection has ended, is_lost() says so and the socket is of no more use.
//
// One thread at a time, handed on under a lock (libzmq asks for no more than that).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <zmq.hpp>

#include "base/bytes.h"
#include "session/frame.h"

namespace bus::client {

class AgentSocket {
  public:
    // Throws zmq::error_t when out of sockets or file descriptors.
    AgentSocket(zmq::context_t& context, const std::string& endpoint);
    ~AgentSocket();
    AgentSocket(const AgentSocket&) = delete;
    AgentSocket& operator=(const AgentSocket&) = delete;

    // Without waiting, without a copy. False: lost.
    bool send(session::Frame frame);
    bool send(Bytes bytes);
    // The next whole single-part message; others are dropped and counted as foreign.
    std::optional<zmq::message_t> receive();

    // For waiting by libzmq's descriptors. They become readable once for each news, and any call on
    // the socket may take that news in, a send as well. So wait only while the socket is quiet:
    // nothing is there to receive, and nobody has used it since that was seen.
    int fd() const { return socket_.get(zmq::sockopt::fd); }
    int monitor_fd() const { return monitor_.get(zmq::sockopt::fd); }
    bool is_quiet();

    // Reads all that the monitor has to say.
    void watch();
    bool is_connected() const noexcept { return connected_; }
    bool is_lost() const noexcept { return lost_; }
    // Waits on closing for what was sent, at most that long.
    void linger(int millis);

  private:
    bool send(zmq_msg_t& message);

    zmq::socket_t socket_;
    zmq::socket_t monitor_;
    bool connected_ = false;
    bool lost_ = false;
    bool quiet_ = false;
};

}  // namespace bus::client
