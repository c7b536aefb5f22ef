#include "bench/loopback.h"

#include <arpa/inet.h>
#include <bus/error.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/unique_fd.h"

namespace bus::bench {

std::string free_loopback_endpoint() {
    const UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (!socket || ::bind(socket.get(), raw, length) != 0 ||
        ::getsockname(socket.get(), raw, &length) != 0)
        throw Error("no free port on 127.0.0.1");
    return fmt::format("tcp://127.0.0.1:{}", ::ntohs(address.sin_port));
}

}  // namespace bus::bench
