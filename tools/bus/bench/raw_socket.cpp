#include "bench/raw_socket.h"

#include <poll.h>

namespace bus::bench {

zmq::socket_t raw_dealer(zmq::context_t& context) {
    zmq::socket_t socket{context, zmq::socket_type::dealer};
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::sndhwm, 0);  // the credit of the ends is the bound
    socket.set(zmq::sockopt::rcvhwm, 0);
    return socket;
}

bool raw_input_waits(zmq::socket_t& socket, std::chrono::milliseconds patience) {
    zmq::pollitem_t items[2] = {{socket.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, 0, ZMQ_POLLIN, 0}};
    zmq::poll(items, 2, patience);
    return items[1].revents != 0;  // its end is told as an error
}

}  // namespace bus::bench
