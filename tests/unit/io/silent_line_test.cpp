// Which lines are silent; tests/integration/net cuts real ones.
#include "io/silent_line.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/unique_fd.h"
#include "io/listening_socket.h"

namespace bus::io {
namespace {

using namespace std::chrono_literals;

tcp_info line(unsigned unacknowledged, unsigned last_ack_millis, unsigned last_data_millis) {
    tcp_info made{};
    made.tcpi_state = TCP_ESTABLISHED;
    made.tcpi_unacked = unacknowledged;
    made.tcpi_last_ack_recv = last_ack_millis;
    made.tcpi_last_data_recv = last_data_millis;
    return made;
}

TEST_CASE("a line is silent when it owes an answer and nothing at all comes") {
    CHECK(is_silent(line(1, 8'000, 9'000), 8s));
    CHECK_FALSE(is_silent(line(1, 7'999, 9'000), 8s));    // acknowledges at least something
    CHECK_FALSE(is_silent(line(1, 20'000, 100), 8s));     // or sends
    CHECK_FALSE(is_silent(line(0, 60'000, 60'000), 8s));  // idle
    tcp_info full = line(0, 9'000, 9'000);                // its window
    full.tcpi_probes = 1;
    CHECK_FALSE(is_silent(full, 8s));
    full.tcpi_probes = 2;
    CHECK(is_silent(full, 8s));
    tcp_info closing = line(1, 60'000, 60'000);
    closing.tcpi_state = TCP_FIN_WAIT1;
    CHECK_FALSE(is_silent(closing, 8s));
}

TEST_CASE("a line that is up, and a descriptor that is no connection, are left alone") {
    const auto listener = ListeningSocket::open({.host = "127.0.0.1", .port = 0}, false);
    sockaddr_in place{};
    socklen_t length = sizeof place;
    REQUIRE(::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&place), &length) == 0);
    const UniqueFd near{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::connect(near.get(), reinterpret_cast<sockaddr*>(&place), length) == 0);
    const UniqueFd far{::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    REQUIRE(far);
    shut_down_if_silent(near.get());
    shut_down_if_silent(listener.fd());
    shut_down_if_silent(-1);
    REQUIRE(::send(near.get(), "x", 1, MSG_NOSIGNAL) == 1);
    char received = 0;
    CHECK(::recv(far.get(), &received, 1, 0) == 1);
    CHECK(received == 'x');
}

}  // namespace
}  // namespace bus::io
