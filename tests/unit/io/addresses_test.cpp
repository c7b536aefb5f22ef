// What is read out of text: endpoints, and who the kernel says an app is.
#include <doctest/doctest.h>

#include "io/endpoint.h"
#include "io/peer_address.h"

namespace bus::io {
namespace {

TEST_CASE("an endpoint is a host and a port") {
    CHECK(parse_tcp("tcp://tokyo.example.net:7700") ==
          TcpEndpoint{.host = "tokyo.example.net", .port = 7700});
    CHECK(parse_tcp("tcp://[::1]:7700") == TcpEndpoint{.host = "::1", .port = 7700});
    CHECK(parse_tcp("tcp://127.0.0.1:0") == TcpEndpoint{.host = "127.0.0.1", .port = 0});
}

TEST_CASE("what is no endpoint is refused") {
    for (const char* text : {"", "tcp://", "tcp://:7700", "tcp://host",
                             "tcp://host:", "tcp://host:x", "tcp://host:70000", "tcp://host:1 ",
                             "ipc:///run/x", "host:7700", "tcp://a:b:7700", "tcp://host:-1"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_tcp(text).has_value());
    }
}

TEST_CASE("addresses need no look-up, names do") {
    CHECK(parse_tcp("tcp://192.0.2.1:1")->is_numeric());
    CHECK(parse_tcp("tcp://[2001:db8::1]:1")->is_numeric());
    CHECK_FALSE(parse_tcp("tcp://localhost:1")->is_numeric());
    CHECK_FALSE(parse_tcp("tcp://192.0.2:1")->is_numeric());
}

TEST_CASE("an endpoint is written as libzmq reads it") {
    for (const char* text : {"tcp://host:1", "tcp://[::1]:7700", "tcp://10.0.0.1:65535"})
        CHECK(parse_tcp(text)->text() == text);
}

TEST_CASE("the uid of an app is read from the right") {
    CHECK(uid_of("localhost:1000:100:4711") == 1000);
    CHECK(uid_of("0:1:2:33:44:55") == 33);
    CHECK(uid_of("a:b:0:0:1") == 0);
}

TEST_CASE("what is no ipc peer address names nobody") {
    for (const char* text : {"", "127.0.0.1", "localhost", "1:2", "1:2:3", ":::", "h:-1:0:1",
                             "h:4294967296:0:1", "h:1:2:", "h:1::3", "h:1 :2:3"}) {
        CAPTURE(text);
        CHECK_FALSE(uid_of(text).has_value());
    }
}

}  // namespace
}  // namespace bus::io
