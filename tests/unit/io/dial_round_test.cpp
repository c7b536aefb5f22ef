// In which order the ways to a peer are tried.
#include "io/dial_round.h"

#include <doctest/doctest.h>

namespace bus::io {
namespace {

TcpEndpoint at(const std::string& host) { return {.host = host, .port = 7700}; }

TEST_CASE("every numeric address of every address is a place, and then the round is over") {
    DialRound round{2, 1};
    CHECK(round.needs_places());
    round.set_places({at("10.0.0.1"), at("::1")});
    CHECK(round.place() == at("10.0.0.1"));
    round.next_place();
    CHECK(round.place() == at("::1"));
    round.next_place();
    CHECK_FALSE(round.is_over());
    CHECK(round.address() == 1);
    CHECK(round.needs_places());
    round.next_place();  // the name could not be looked up
    CHECK(round.is_over());
}

TEST_CASE("after a failed handshake the next key is tried at the same place") {
    DialRound round{1, 2};
    round.set_places({at("10.0.0.1"), at("10.0.0.2")});
    std::vector<std::size_t> keys;
    while (round.place() == at("10.0.0.1")) {
        keys.push_back(round.key(1));
        round.handshake_failed();
    }
    CHECK(keys == std::vector<std::size_t>{1, 0, 1, 0});
    CHECK(round.key(1) == 1);
    CHECK(round.place() == at("10.0.0.2"));
}

TEST_CASE("one key is tried more than once, since the peer may have two") {
    DialRound round{1, 1};
    round.set_places({at("10.0.0.1")});
    for (std::size_t i = 0; i < DialRound::handshakes_max(1); ++i) {
        CHECK_FALSE(round.is_over());
        CHECK(round.key(0) == 0);
        round.handshake_failed();
    }
    CHECK(round.is_over());
}

}  // namespace
}  // namespace bus::io
