// What a reload says that it changes.
#include <doctest/doctest.h>

#include "config_changes.h"

using bus::changes_between;
using bus::Config;
using bus::PeerConfig;

namespace {

using Lines = std::vector<std::string>;

PeerConfig peer(const std::string& name, const std::vector<std::string>& keys) {
    return {.name = name, .keys = keys, .addresses = {"tcp://" + name + ":1"}, .where = "a:1"};
}

Lines lines(const PeerConfig& was, const PeerConfig& is) {
    Config before, after;
    before.peers = {was};
    after.peers = {is};
    return changes_between(before, after).lines;
}

}  // namespace

TEST_CASE("nothing changed is nothing told") {
    Config config;
    config.peers = {peer("tokyo", {"K1"})};
    config.apps = {{.uid = 1, .may = {.publish = {"a"}}, .where = "a:1"}};
    CHECK(changes_between(config, config).lines.empty());
    CHECK(changes_between(config, config).restart.empty());
}

TEST_CASE("peers that came and went are told") {
    Config was, is;
    was.peers = {peer("tokyo", {"K1"}), peer("lima", {"K2"})};
    is.peers = {peer("lima", {"K2"}), peer("oslo", {"K3"})};
    is.peers[1].may = bus::core::Permissions{.publish = {"a.**", "b"}, .serve = {"c"}};
    is.peers[1].addresses.clear();
    CHECK(changes_between(was, is).lines ==
          Lines{"peer oslo: added, addresses none (it dials), may publish [a.**, b], serve [c]",
                "peer tokyo: removed; its link ends, and what is owed to it waits"});
}

TEST_CASE("a key that is added or revoked is told") {
    CHECK(lines(peer("tokyo", {"K1"}), peer("tokyo", {"K1", "K2"})) ==
          Lines{"peer tokyo: key K2 added"});
    CHECK(lines(peer("tokyo", {"K1", "K2"}), peer("tokyo", {"K2"})) ==
          Lines{"peer tokyo: key K1 revoked; a link made with it ends",
                "peer tokyo: key K2 is the first now"});
    CHECK(
        lines(peer("tokyo", {"K1"}), peer("tokyo", {"K3"})) ==
        Lines{"peer tokyo: key K3 added", "peer tokyo: key K1 revoked; a link made with it ends"});
}

TEST_CASE("a peer with another name is the same one while it has one of its keys") {
    auto renamed = peer("osaka", {"K1"});
    renamed.addresses = peer("tokyo", {}).addresses;
    CHECK(lines(peer("tokyo", {"K1"}), renamed) == Lines{"peer tokyo: name osaka, was tokyo"});
}

TEST_CASE("addresses, rules, cost and rate are told with what they were") {
    const auto was = peer("tokyo", {"K1"});
    auto is = was;
    is.addresses = {"tcp://a:1", "tcp://b:1"};
    is.may.emplace();
    is.relays = false;
    is.status = false;
    is.cost = 5;
    is.rate_bytes_per_second = 2 << 20;
    is.waiting = {.bytes = 2ull << 30, .age = std::chrono::hours{36}};
    CHECK(lines(was, is) == Lines{"peer tokyo: addresses tcp://a:1, tcp://b:1, was tcp://tokyo:1",
                                  "peer tokyo: may nothing, was everything",
                                  "peer tokyo: relays false, was true",
                                  "peer tokyo: status false, was true", "peer tokyo: cost 5, was 1",
                                  "peer tokyo: rate 2MiB/s, was unlimited",
                                  "peer tokyo: limits waiting 2GiB, age 36h, was none"});
}

TEST_CASE("the rules of apps are told by uid") {
    Config was, is;
    was.apps = {{.uid = 7, .may = {.send = {"q"}}, .where = ""}};
    is.apps = {{.uid = 8, .may = {.receive = {"r"}}, .where = ""}};
    is.relay = true;
    CHECK(changes_between(was, is).lines ==
          Lines{"relay: is true, was false",
                "apps of uid 7: may everything (no rule), was send [q]",
                "apps of uid 8: may receive [r], was everything (no rule)"});
}

TEST_CASE("how large a message may be is told") {
    Config was, is;
    was.channels = is.channels = {{{std::nullopt, "a"}, {}}};
    is.channels[0].max_message = 100ull << 20;
    CHECK(changes_between(was, is).lines == Lines{"channels a: max_message 100MiB, was not set"});
}

TEST_CASE("limits of apps are told by uid") {
    Config was, is;
    was.apps = {{.uid = 7, .may = {}, .where = ""}};
    is.apps = {{.uid = 7, .may = {}, .where = ""}};
    is.apps[0].limits.subscriptions = 5;
    CHECK(changes_between(was, is).lines ==
          Lines{"apps of uid 7: limits subscriptions 5, was none"});
    was.apps[0].limits.waiting.rate = 9;
    was.apps[0].limits.waiting.messages = 8;
    was.apps[0].limits.waiting.at_limit = bus::core::AtLimit::refuse;
    CHECK(changes_between(was, is).lines ==
          Lines{"apps of uid 7: limits subscriptions 5, was messages 8, rate 9, at_limit refuse"});
}

TEST_CASE("limits of channels are told by their filters") {
    Config was, is;
    was.channels = {{{std::nullopt, "a.**"}, {{.bytes = 1ull << 30}}},
                    {{std::nullopt, "b"}, {{.age = std::chrono::hours{48}}}}};
    is.channels = {{{bus::wire::Kind::queue, "b"}, {{.age = std::chrono::minutes{90}}}},
                   {{std::nullopt, "a.**"}, {{.bytes = 2ull << 30}}}};
    CHECK(changes_between(was, is).lines ==
          Lines{"channels a.**: limits waiting 2GiB, was waiting 1GiB",
                "channels b: limits none, was age 2d",
                "channels queue b: limits age 90m, was none"});
}

TEST_CASE("where dead letters go on to is told by the filters") {
    Config was, is;
    was.channels = {{.channels = {std::nullopt, "a.**"}, .waiting = {}, .dead_letter_to = "a.dead"},
                    {.channels = {std::nullopt, "b"}, .waiting = {}, .dead_letter_to = "b.dead"}};
    is.channels = {
        {.channels = {std::nullopt, "a.**"}, .waiting = {}, .dead_letter_to = "all.dead"}};
    CHECK(changes_between(was, is).lines ==
          Lines{"channels a.**: dead_letter_to all.dead, was a.dead",
                "channels b: dead_letter_to none, was b.dead"});
}

TEST_CASE("what needs a restart is told by its key") {
    Config was, is;
    was.listen = {"tcp://0.0.0.0:2"};
    is.listen = {"tcp://0.0.0.0:1"};
    is.journal.max_bytes = 1;
    CHECK(changes_between(was, is).restart == Lines{"journal.max_bytes", "listen"});
    CHECK(changes_between(was, is).lines.empty());
}

TEST_CASE("who listened nowhere listens at once") {
    Config was, is;
    is.listen = {"tcp://0.0.0.0:1"};
    CHECK(changes_between(was, is).restart.empty());
    CHECK(changes_between(was, is).lines == Lines{"listen: on tcp://0.0.0.0:1, nowhere before"});
}

TEST_CASE("subscriptions that are declared, and what is not ended by a reload") {
    Config was, is;
    was.subscriptions = {{"audit", "**"}, {"billing", "orders.**"}};
    is.subscriptions = {{"billing", "orders.eu.**"}, {"alarms", "plant7.**"}};
    CHECK(changes_between(was, is).lines ==
          Lines{"subscription billing: filter orders.eu.**, was orders.**; it stays as it is until "
                "it is removed (`bus subscription remove`)",
                "subscription alarms: declared, filter plant7.**",
                "subscription audit: no longer declared; it stays, with what it has, until it is "
                "removed (`bus subscription remove`)"});
    CHECK(changes_between(is, is).lines.empty());
}

TEST_CASE("what subscriptions may collect is told by channels and by name") {
    Config was, is;
    was.channels = {{.channels = {std::nullopt, "a.**"},
                     .waiting = {},
                     .lapse = bus::core::Bound{.bytes = 1ull << 30}}};
    is.channels = {{.channels = {std::nullopt, "b.**"},
                    .waiting = {},
                    .lapse = bus::core::Bound{.age = std::chrono::hours{24}}}};
    was.subscriptions = {{"billing", "orders.**"}};
    is.subscriptions = {
        {.name = "billing", .filter = "orders.**", .lapse = bus::core::Bound{.bytes = 1ull << 30}}};
    CHECK(changes_between(was, is).lines ==
          Lines{"channels a.**: lapse not set, was waiting 1GiB",
                "channels b.**: lapse age 1d, was not set",
                "subscription billing: lapse waiting 1GiB, was not set"});
}
