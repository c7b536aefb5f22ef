#include <doctest/doctest.h>

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
    REQUIRE(theirs.apply(snapshot(1, {durable("alarms", "plant.**"), anonymous("b")})));
    theirs.begin();
    const auto change = theirs.apply(snapshot(2, {}));
    REQUIRE(change);
    CHECK(change->give_back == std::vector{durable("alarms", "plant.**")});
    CHECK(change->removed == std::vector{anonymous("b")});
    CHECK(theirs.wants(wire::Kind::topic, "plant.temp"));
    CHECK_FALSE(theirs.wants(wire::Kind::topic, "b"));
}

TEST_CASE("an explicit removal ends a durable subscription") {
    PeerInterest theirs;
    REQUIRE(theirs.apply(snapshot(1, {durable("alarms", "plant.**")})));
    auto removal = durable("alarms", "plant.**");
    removal.op = InterestItem::Op::remove;
    const auto change = theirs.apply({.version = 2, .items = {removal}});
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
    REQUIRE(theirs.apply(snapshot(own.version(), own.snapshot())));
    CHECK(theirs.digest() == own.digest());
    own.take_changes();
    own.add(anonymous("c"));
    REQUIRE(theirs.apply({.version = own.version(), .items = own.take_changes()}));
    CHECK(theirs.digest() == own.digest());
    CHECK(theirs.version() == own.version());
}

TEST_CASE("a snapshot may come in many frames") {
    PeerInterest theirs;
    CHECK_FALSE(theirs.apply(
        {.part = LinkInterest::Part::snapshot_more, .version = 5, .items = {anonymous("a")}}));
    CHECK_FALSE(theirs.synchronised());
    REQUIRE(theirs.apply(snapshot(5, {anonymous("b")})));
    CHECK(theirs.synchronised());
    CHECK(theirs.size() == 2);
}
