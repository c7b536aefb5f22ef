// One address that peers dial: the kernel's socket, which libzmq is handed to
// accept from. It is made here, because while this agent's keys roll over two
// libzmq sockets listen on one port, one for each key: the kernel deals
// connections out to both, and who meets the wrong key tries again.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "io/endpoint.h"

namespace bus::io {

class ListeningSocket {
  public:
    // Nobody else listens there. `*` is every IPv4 address; an IPv6 one takes IPv4 as well, unless
    // told not to. Throws Error with what to do.
    static ListeningSocket open(const TcpEndpoint& address, bool ipv6_only);
    // One more at the address of `listener`, a descriptor that is listening. From then on this
    // agent's user may bind that port again, and nobody else. Throws Error.
    static ListeningSocket beside(int listener);

    // The other one at its address is gone: nobody may bind that port beside `listener` any more.
    static void keep_alone(int listener);

    int fd() const noexcept { return fd_.get(); }
    // "tcp://127.0.0.1:41234", with the port that the system chose.
    std::string endpoint() const;
    // To libzmq, which closes it.
    int release() noexcept { return fd_.release(); }

  private:
    explicit ListeningSocket(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace bus::io
