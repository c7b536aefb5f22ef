#include "io/listening_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "base/assert.h"
#include "bus/error.h"

namespace bus::io {
namespace {

// All peers may come back at once; the kernel takes net.core.somaxconn at most.
constexpr int backlog = 4'096;

std::string advice(int cause, const TcpEndpoint& address) {
    const std::string port = std::to_string(address.port);
    switch (cause) {
        case EADDRINUSE:
            return "; another program listens there: ss -ltnp 'sport = :" + port +
                   "' tells which. Stop it, or write another port under \"listen\"";
        case EADDRNOTAVAIL:
            return "; this host does not have that address. Write tcp://0.0.0.0:" + port +
                   " for all that it has";
        case EAFNOSUPPORT:
            return "; this host has no IPv6. Write tcp://0.0.0.0:" + port + " for all that it has";
        case EACCES:
            return "; ports below 1024 are the system's. Write another one under \"listen\"";
        default:
            return "";
    }
}

[[noreturn]] void fail(const TcpEndpoint& address, int cause) {
    throw Error{"cannot listen on " + address.text() + ": " +
                std::generic_category().message(cause) + advice(cause, address)};
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// At start and before anything else runs: whoever names a host here waits for its look-up.
AddressList look_up(const TcpEndpoint& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    const std::string host = address.host == "*" ? "0.0.0.0" : address.host;
    addrinfo* found = nullptr;
    const int failed =
        ::getaddrinfo(host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
    if (failed != 0)
        throw Error{"cannot listen on " + address.text() + ": " + ::gai_strerror(failed) +
                    "; write an address of this host under \"listen\", or tcp://0.0.0.0:" +
                    std::to_string(address.port) + " for all that it has"};
    return {found, &::freeaddrinfo};
}

UniqueFd make_socket(int family) {
    return UniqueFd{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

bool enable(int fd, int level, int option, int value = 1) {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool listen_at(int fd, const sockaddr* address, socklen_t length) {
    return ::bind(fd, address, length) == 0 && ::listen(fd, backlog) == 0;
}

struct Place {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    sockaddr* raw() { return reinterpret_cast<sockaddr*>(&address); }
};

Place place_of(int fd) {
    Place place;
    BUS_ASSERT(::getsockname(fd, place.raw(), &place.length) == 0);
    return place;
}

TcpEndpoint endpoint_of(Place place) {
    char host[NI_MAXHOST], port[NI_MAXSERV];
    BUS_ASSERT(::getnameinfo(place.raw(), place.length, host, sizeof host, port, sizeof port,
                             NI_NUMERICHOST | NI_NUMERICSERV) == 0);
    return {.host = host, .port = static_cast<std::uint16_t>(std::stoi(port))};
}

}  // namespace

ListeningSocket ListeningSocket::open(const TcpEndpoint& address, bool ipv6_only) {
    const AddressList found = look_up(address);
    UniqueFd fd = make_socket(found->ai_family);
    if (!fd || !enable(fd.get(), SOL_SOCKET, SO_REUSEADDR)) fail(address, errno);
    if (found->ai_family == AF_INET6 && !enable(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only))
        fail(address, errno);
    if (!listen_at(fd.get(), found->ai_addr, found->ai_addrlen)) fail(address, errno);
    return ListeningSocket{std::move(fd)};
}

ListeningSocket ListeningSocket::beside(int listener) {
    Place place = place_of(listener);
    int ipv6_only = 0;
    socklen_t size = sizeof ipv6_only;
    const bool is_ipv6 = place.address.ss_family == AF_INET6;
    if (is_ipv6)
        BUS_ASSERT(::getsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only, &size) == 0);
    // The kernel asks both for it, and the older one only now: until here the port was taken.
    UniqueFd fd = make_socket(place.address.ss_family);
    if (!fd || !enable(listener, SOL_SOCKET, SO_REUSEPORT) ||
        !enable(fd.get(), SOL_SOCKET, SO_REUSEPORT) ||
        !enable(fd.get(), SOL_SOCKET, SO_REUSEADDR) ||
        (is_ipv6 && !enable(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only)) ||
        !listen_at(fd.get(), place.raw(), place.length))
        fail(endpoint_of(place), errno);
    return ListeningSocket{std::move(fd)};
}

void ListeningSocket::keep_alone(int listener) {
    BUS_ASSERT(enable(listener, SOL_SOCKET, SO_REUSEPORT, 0));
}

std::string ListeningSocket::endpoint() const { return endpoint_of(place_of(fd())).text(); }

}  // namespace bus::io
