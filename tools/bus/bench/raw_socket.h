// A socket of the raw pipe, at its ends and in the middle.
#pragma once

#include <chrono>
#include <zmq.hpp>

namespace bus::bench {

zmq::socket_t raw_dealer(zmq::context_t& context);
// Until something comes, here or on standard input, or for `patience` (below 0: for ever). True: on
// standard input, or its end.
bool raw_input_waits(zmq::socket_t& socket, std::chrono::milliseconds patience);

}  // namespace bus::bench
