#include <doctest/doctest.h>

#include <algorithm>

#include "core/interest.h"

using namespace bus;
using namespace bus::core;
using wire::InterestItem;
using wire::LinkInterest;

namespace {

InterestItem durable(const std::string& name, const std::string& filter) {
    return {.durable = true, .name = name, .filter = filter};
}
InterestItem anonymous(const std::string& filter) { return {.filter = filter}; }

LinkInterest snapshot(std::uint64_t version, std::vector<InterestItem> items) {
    return {
        .part = LinkInterest::Part::snapshot_last, .version = version, .items = std::move(items)};
}

const AgentId them{{7, 7}}, hub{{8, 8}}, other_hub{{9, 9}};

std::optional<PeerInterest::Change> told(PeerInterest& interest, const LinkInterest& frame,
                                         const AgentId& by = them) {
    return interest.apply(frame, by);
}

bool wants(const PeerInterest& interest, std::string_view channel) {
    const auto& items = interest.items();
    return std::any_of(items.begin(), items.end(),
                       [&](const auto& one) { return wire::matches(one.second.filter, channel); });
}

}  // namespace

TEST_CASE("peers hear of the first and the last of equal subscriptions") {
    OwnInterest own{100};
    own.add(anonymous("a.*"));
    own.add(anonymous("a.*"));
    CHECK(own.take_changes().size() == 1);
    own.remove(anonymous("a.*"));
    CHECK(own.take_changes().empty());
    own.remove(anonymous("a.*"));
    const auto changes = own.take_changes();
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].op == InterestItem::Op::remove);
    CHECK(own.digest() == 0);
    CHECK(own.version() == 102);
}

TEST_CASE("a snapshot without a durable subscription does not end it; the owner gets it back") {
    PeerInterest theirs;
    REQUIRE(told(theirs, snapshot(1, {durable("alarms", "plant.**"), anonymous("b")})));
    theirs.begin(them);
    const auto change = told(theirs, snapshot(2, {}));
    REQUIRE(change);
    CHECK(change->give_back == std::vector{durable("alarms", "plant.**")});
    CHECK(change->removed == std::vector{anonymous("b")});
    CHECK(wants(theirs, "plant.temp"));
    CHECK_FALSE(wants(theirs, "b"));
}

TEST_CASE("an explicit removal ends a durable subscription") {
    PeerInterest theirs;
    REQUIRE(told(theirs, snapshot(1, {durable("alarms", "plant.**")})));
    auto removal = durable("alarms", "plant.**");
    removal.op = InterestItem::Op::remove;
    const auto change = told(theirs, {.version = 2, .items = {removal}});
    REQUIRE(change);
    CHECK(change->removed.size() == 1);
    CHECK(theirs.size() == 0);
    CHECK(theirs.digest() == 0);
}

TEST_CASE("equal interest has equal digests on both sides") {
    OwnInterest own{1};
    PeerInterest theirs;
    own.add(anonymous("a"));
    own.add(durable("d", "x.**"));
    REQUIRE(told(theirs, snapshot(own.version(), own.snapshot())));
    CHECK(theirs.digest() == own.digest());
    own.take_changes();
    own.add(anonymous("c"));
    REQUIRE(told(theirs, {.version = own.version(), .items = own.take_changes()}));
    CHECK(theirs.digest() == own.digest());
    CHECK(theirs.version() == own.version());
}

TEST_CASE("a snapshot may come in many frames") {
    PeerInterest theirs;
    CHECK_FALSE(
        told(theirs,
             {.part = LinkInterest::Part::snapshot_more, .version = 5, .items = {anonymous("a")}}));
    CHECK_FALSE(theirs.synchronised());
    REQUIRE(told(theirs, snapshot(5, {anonymous("b")})));
    CHECK(theirs.synchronised());
    CHECK(theirs.size() == 2);
}

TEST_CASE("snapshots that two hubs tell at the same time do not mix") {
    PeerInterest theirs;
    const LinkInterest first{
        .part = LinkInterest::Part::snapshot_more, .version = 5, .items = {anonymous("a")}};
    CHECK_FALSE(told(theirs, first, hub));
    CHECK_FALSE(told(theirs, first, other_hub));
    REQUIRE(told(theirs, snapshot(5, {anonymous("b")}), hub));
    CHECK(theirs.size() == 2);
    const auto again = told(theirs, snapshot(5, {anonymous("b")}), other_hub);
    REQUIRE(again);
    CHECK(again->added.empty());
    CHECK(again->removed.empty());
}

TEST_CASE("what an agent has lost is still wanted, but others are not told that it said so") {
    PeerInterest theirs;
    REQUIRE(told(theirs, snapshot(1, {durable("alarms", "plant.**"), anonymous("b")})));
    theirs.begin(them);
    REQUIRE(told(theirs, snapshot(2, {anonymous("b")})));
    CHECK(wants(theirs, "plant.temp"));
    CHECK(theirs.snapshot() == std::vector{anonymous("b")});
    CHECK(theirs.digest() == wire::digest(anonymous("b")));
    const auto back = told(theirs, {.version = 3, .items = {durable("alarms", "plant.**")}});
    REQUIRE(back);
    CHECK(back->added.size() == 1);
    CHECK(theirs.snapshot().size() == 2);
}

TEST_CASE("a removal is told to those who missed it") {
    PeerInterest theirs;
    REQUIRE(told(theirs, snapshot(1, {durable("alarms", "plant.**")})));
    auto removal = durable("alarms", "plant.**");
    removal.op = InterestItem::Op::remove;
    REQUIRE(told(theirs, {.version = 2, .items = {removal}}));
    PeerInterest far;
    REQUIRE(told(far, snapshot(1, {durable("alarms", "plant.**")}), hub));
    REQUIRE(told(far, snapshot(2, theirs.snapshot()), hub));
    CHECK(far.size() == 0);
    CHECK(far.digest() == theirs.digest());
}

TEST_CASE("what a relay knew before a restart does not end what was recovered, for a while") {
    PeerInterest theirs;
    theirs.recover(anonymous("a.*"));
    theirs.recover(anonymous("b"));
    theirs.recover(durable("alarms", "c"));
    const auto change =
        theirs.apply(snapshot(5, {anonymous("b")}), hub, PeerInterest::Teller::relay);
    REQUIRE(change);
    CHECK(change->removed.empty());
    CHECK(wants(theirs, "a.x"));
    SUBCASE("nobody tells of it: then it ends") {
        CHECK(theirs.stop_waiting() == std::vector{anonymous("a.*")});
        CHECK_FALSE(wants(theirs, "a.x"));
        CHECK(wants(theirs, "b"));
        CHECK(wants(theirs, "c"));
    }
    SUBCASE("the relay has heard of it meanwhile") {
        (void)theirs.apply(snapshot(6, {anonymous("a.*"), anonymous("b")}), hub,
                           PeerInterest::Teller::relay);
        CHECK(theirs.stop_waiting().empty());
        CHECK(wants(theirs, "a.x"));
    }
    SUBCASE("the agent itself says that it is not wanted") {
        CHECK(told(theirs, snapshot(6, {anonymous("b")}))->removed ==
              std::vector{anonymous("a.*")});
        CHECK_FALSE(wants(theirs, "a.x"));
    }
}

TEST_CASE("a relay's word that lacks what was recovered has the relay's digest") {
    PeerInterest theirs, as_told;
    theirs.recover(anonymous("a.*"));
    for (PeerInterest* one : {&theirs, &as_told})
        (void)one->apply(snapshot(5, {anonymous("b")}), hub, PeerInterest::Teller::relay);
    CHECK(theirs.digest() == as_told.digest());
}
