// Ports that are taken, and ports that are shared on purpose.
#include "io/listening_socket.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "bus/error.h"

namespace bus::io {
namespace {

const TcpEndpoint any_port{.host = "127.0.0.1", .port = 0};

TcpEndpoint where(const ListeningSocket& socket) { return parse_tcp(socket.endpoint()).value(); }

TEST_CASE("the port that the system chose is told") {
    CHECK(where(ListeningSocket::open(any_port, false)).port != 0);
    CHECK(where(ListeningSocket::open({.host = "*", .port = 0}, false)).host == "0.0.0.0");
    CHECK(where(ListeningSocket::open({.host = "localhost", .port = 0}, false)).is_numeric());
}

TEST_CASE("an address that cannot be had is refused with what to do") {
    const auto first = ListeningSocket::open(any_port, false);
    const std::string port = std::to_string(where(first).port);
    CHECK_THROWS_WITH_AS(
        (void)ListeningSocket::open(where(first), false),
        ("cannot listen on tcp://127.0.0.1:" + port +
         ": Address already in use; another program listens there: ss -ltnp 'sport = :" + port +
         "' tells which. Stop it, or write another port under \"listen\"")
            .c_str(),
        Error);
    CHECK_THROWS_WITH_AS(
        (void)ListeningSocket::open({.host = "192.0.2.1", .port = 7700}, false),
        "cannot listen on tcp://192.0.2.1:7700: Cannot assign requested address; this host does "
        "not have that address. Write tcp://0.0.0.0:7700 for all that it has",
        Error);
    CHECK_THROWS_WITH_AS(
        (void)ListeningSocket::open({.host = "no-such-host.invalid", .port = 7700}, false),
        doctest::Contains("for all that it has"), Error);
}

TEST_CASE("IPv4 and IPv6 can be listened on at one port, together or each on its own") {
    const auto both = ListeningSocket::open({.host = "::", .port = 0}, false);
    CHECK_THROWS_AS(
        (void)ListeningSocket::open({.host = "0.0.0.0", .port = where(both).port}, false), Error);
    const auto six = ListeningSocket::open({.host = "::", .port = 0}, true);
    CHECK_NOTHROW((void)ListeningSocket::open({.host = "0.0.0.0", .port = where(six).port}, false));
}

TEST_CASE("one more socket at the same address shares it, and connections reach both") {
    const auto first = ListeningSocket::open(any_port, false);
    const auto second = ListeningSocket::beside(first.fd());
    CHECK(second.endpoint() == first.endpoint());
    sockaddr_in place{};
    socklen_t length = sizeof place;
    REQUIRE(::getsockname(first.fd(), reinterpret_cast<sockaddr*>(&place), &length) == 0);
    int by_first = 0, by_second = 0;
    for (int i = 0; i < 1'000 && (by_first == 0 || by_second == 0); ++i) {
        const UniqueFd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&place), length) == 0);
        by_first += UniqueFd{::accept4(first.fd(), nullptr, nullptr, SOCK_CLOEXEC)} ? 1 : 0;
        by_second += UniqueFd{::accept4(second.fd(), nullptr, nullptr, SOCK_CLOEXEC)} ? 1 : 0;
    }
    CHECK(by_first > 0);
    CHECK(by_second > 0);
}

}  // namespace
}  // namespace bus::io
