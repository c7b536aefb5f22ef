// One attachment to the agent: a DEALER on the agent's ipc socket with its
// monitor. Made anew for every attachment, so that nothing of an old session is
// left in its pipes. While the agent is away libzmq tries again by itself; once
// a connection has ended, is_lost() says so and the socket is of no more use.
//
// The thread that made it.
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

    // Reads all that the monitor has to say.
    void watch();
    bool is_connected() const noexcept { return connected_; }
    bool is_lost() const noexcept { return lost_; }
    // Waits on closing for what was sent, at most that long.
    void linger(int millis);

    zmq::socket_t& socket() noexcept { return socket_; }
    zmq::socket_t& monitor() noexcept { return monitor_; }

  private:
    bool send(zmq_msg_t& message);

    zmq::socket_t socket_;
    zmq::socket_t monitor_;
    bool connected_ = false;
    bool lost_ = false;
};

}  // namespace bus::client
