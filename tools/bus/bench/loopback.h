// A TCP endpoint on this host that nobody listens on at the moment.
#pragma once

#include <string>

namespace bus::bench {

// "tcp://127.0.0.1:PORT". Throws Error if there is none.
std::string free_loopback_endpoint();

}  // namespace bus::bench
