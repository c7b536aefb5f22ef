// How the end of a peer is known, although descriptors are used again at once.
#include "io/connections.h"

#include <doctest/doctest.h>

namespace bus::io {
namespace {

using Owners = std::vector<Connections::Owner>;

TEST_CASE("a peer ends with the connection it came by, once") {
    Connections connections;
    connections.on_accepted(7);
    CHECK_FALSE(connections.bind(7, 100).has_value());
    CHECK_FALSE(connections.has_ended());
    connections.on_disconnected(7);
    CHECK(connections.has_ended());
    CHECK(connections.take_ended() == Owners{100});
    CHECK(connections.take_ended().empty());
    CHECK(connections.open() == 0);
}

TEST_CASE("the next user of a descriptor does not end with the last one") {
    Connections connections;
    connections.on_accepted(7);
    (void)connections.bind(7, 100);
    connections.on_disconnected(7);
    connections.on_accepted(7);
    CHECK_FALSE(connections.bind(7, 200).has_value());
    CHECK(connections.take_ended() == Owners{100});
    connections.on_disconnected(7);
    CHECK(connections.take_ended() == Owners{200});
}

TEST_CASE("a connection that never said anything ends nobody") {
    Connections connections;
    connections.on_accepted(7);
    connections.on_disconnected(7);
    connections.on_accepted(7);
    (void)connections.bind(7, 100);
    CHECK(connections.take_ended().empty());
}

TEST_CASE("a peer whose connection is over before its first frame was read ends at once") {
    Connections connections;
    connections.on_accepted(7);
    connections.on_disconnected(7);
    CHECK(connections.take_ended().empty());
    (void)connections.bind(7, 100);
    CHECK(connections.take_ended() == Owners{100});
}

TEST_CASE("two peers on one connection: the first must be gone") {
    Connections connections;
    connections.on_accepted(7);
    (void)connections.bind(7, 100);
    CHECK(connections.bind(7, 200) == 100);
    connections.on_disconnected(7);
    CHECK(connections.take_ended() == Owners{200});
}

TEST_CASE("a descriptor nobody has heard of binds to nothing") {
    Connections connections;
    CHECK_FALSE(connections.bind(9, 100).has_value());
    connections.on_disconnected(9);
    CHECK(connections.take_ended().empty());
}

}  // namespace
}  // namespace bus::io
