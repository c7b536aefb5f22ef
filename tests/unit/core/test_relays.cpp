// Agents beyond the neighbours: chains, hubs, and what happens when one of two ways fails.
#include "network.h"
#include "stories.h"

namespace {

Batch news(std::uint64_t sequence) {
    return make_batch({.channel = "news", .producer = producer, .sequence = sequence});
}

// From 0 to 3, who subscribes, lead two ways: over hub 1, which is preferred, and over hub 2.
struct TwoHubs : Network {
    TwoHubs() : Network{4, {{0, 1}, {0, 2}, {1, 3}, {2, 3}}, {1, 2}} {
        subscribe((*this)[3], wire::Kind::topic, "far");
        settle();
        (*this)[0].open(app, producer);
    }
    void publish(std::uint64_t sequence) { (*this)[0].publish(app, sequence, news(sequence)); }
};

}  // namespace

TEST_CASE("interest spreads along a chain, and messages come back along it") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    subscribe(net[2], wire::Kind::topic, "far");
    net.settle();
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    net.settle();
    CHECK(read_marks(net[2]) == Texts{"1"});
    net.settle();
    REQUIRE(net[0].receipts.size() == 1);
    CHECK(net[0].receipts[0].stage == wire::Stage::safe);
    for (int host = 0; host < 3; ++host) CHECK(net[host].balances());
}

TEST_CASE("who does not relay passes nothing on") {
    Network net{3, {{0, 1}, {1, 2}}, {}};
    subscribe(net[2], wire::Kind::topic, "far");
    net.settle();
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    net.settle();
    CHECK(read_marks(net[2]).empty());
    CHECK(net[0].exchange->status(net[0].now).unrouted == 1);
}

TEST_CASE("sender and receiver need never be online together") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    subscribe(net[2], wire::Kind::topic, "far");
    net.settle();
    net.disconnect(1, 2);
    net.pass(1h);
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    net.settle();
    REQUIRE(net[0].receipts.size() == 1);
    net.disconnect(0, 1);
    net.pass(1h);
    net.connect(1, 2);
    net.settle();
    CHECK(read_marks(net[2]) == Texts{"1"});
}

TEST_CASE("a batch crosses a link once, even when several destinations lie behind it") {
    Network net{5, {{0, 1}, {1, 2}, {1, 3}, {1, 4}}, {1}};
    for (const int spoke : {1, 2, 3, 4})
        subscribe(net[spoke], wire::Kind::topic, "d" + std::to_string(spoke));
    net.settle();
    net[0].open(app, producer);
    for (std::uint64_t n = 1; n <= 5; ++n) net[0].publish(app, n, news(n));
    net.settle();
    CHECK(net.batches(0, 1) == 5);
    for (const int spoke : {1, 2, 3, 4})
        CHECK(read_marks(net[spoke]) == Texts{"1", "2", "3", "4", "5"});
}

TEST_CASE("what waits after an outage crosses the link once as well") {
    Network net{4, {{0, 1}, {1, 2}, {1, 3}}, {1}};
    subscribe(net[2], wire::Kind::topic, "a");
    subscribe(net[3], wire::Kind::topic, "b");
    net.settle();
    net.disconnect(0, 1);
    net[0].open(app, producer);
    for (std::uint64_t n = 1; n <= 5; ++n) net[0].publish(app, n, news(n));
    net.pass(10s);
    net.connect(0, 1);
    net.settle();
    CHECK(net.batches(0, 1) == 5);
    CHECK(read_marks(net[2]) == Texts{"1", "2", "3", "4", "5"});
    CHECK(read_marks(net[3]) == Texts{"1", "2", "3", "4", "5"});
}

TEST_CASE("when a hub goes, what waits takes the other one by itself") {
    TwoHubs net;
    net.publish(1);
    net.settle();
    net.pass(1s);
    CHECK(net.batches(0, 1) == 1);
    net.disconnect(0, 1);
    net.publish(2);
    net.settle();
    CHECK(net.batches(0, 2) == 0);  // it may be back at once
    net.pass(5s);
    CHECK(net.batches(0, 2) == 1);
    CHECK(read_marks(net[3]) == Texts{"1", "2"});
    SUBCASE("and when the link behind a hub goes, its neighbours hear of it") {
        net.connect(0, 1);
        net.pass(5s);
        net.disconnect(1, 3);
        net.pass(5s);
        net.publish(3);
        net.settle();
        net.pass(1s);
        CHECK(net.batches(0, 2) == 2);
        CHECK(read_marks(net[3]) == Texts{"3"});
    }
}

TEST_CASE("what may have been taken already goes the other way marked, and is dropped there") {
    TwoHubs net;
    net[1].journal_answers = false;  // the hub takes it and does not get it safe
    net[3].journal_answers = false;
    net.publish(1);
    while (net.batches(1, 3) == 0) REQUIRE((net.carry(0) || net.carry(1) || net.carry(3)));
    net.disconnect(0, 1);
    net.pass(5s);
    CHECK(net.batches(0, 2) == 1);
    net[1].journal_answers = true;
    net[3].journal_answers = true;
    net[1].commit();
    net[3].commit();
    net.settle();
    CHECK(read_marks(net[3]) == Texts{"1"});
    CHECK(net[3].exchange->status(net[3].now).duplicates_dropped == 1);
    CHECK(net[0].balances());
}

TEST_CASE("a copy that a hub kept comes late and unmarked: it is known and dropped") {
    TwoHubs net;
    net.disconnect(1, 3);
    net.publish(1);
    REQUIRE(net.carry(0));  // the hub has it, and its acknowledgement is lost
    net.disconnect(0, 1);
    net.pass(5s);
    CHECK(read_marks(net[3]) == Texts{"1*"});
    net.connect(1, 3);
    net.settle();
    CHECK(net.batches(1, 3) == 1);
    CHECK(read_marks(net[3]).empty());
    net.connect(0, 1);
    net.pass(5s);
    for (int host = 0; host < 4; ++host) CHECK(net[host].balances());
}

namespace {

// 0 publishes and relays, 1 relays, 2 reads. The direct link is down, so 1 was the way to 2; its
// own link to 2 has just broken as well, and nobody knows yet.
struct ThereAndBack : Network {
    ThereAndBack() : Network{3, {{0, 1}, {1, 2}, {0, 2}}, {0, 1}} {
        subscribe((*this)[2], wire::Kind::topic, "far");
        settle();
        (*this)[0].open(app, producer);
        disconnect(0, 2);
        pass(5s);
        disconnect(1, 2);
        publish(1);
        while (batches(0, 1) == 0) REQUIRE(carry(0));
    }
    void publish(std::uint64_t sequence) { (*this)[0].publish(app, sequence, news(sequence)); }
};

}  // namespace

TEST_CASE("what comes back to its origin, and is late when it leaves again, is marked") {
    ThereAndBack net;
    net.settle();
    net.connect(0, 2);
    net.settle();
    net.publish(2);
    net.settle();
    CHECK(read_marks(net[2]) == Texts{"2"});
    net.pass(5s);
    CHECK(net.batches(1, 0) == 1);
    CHECK(read_marks(net[2]) == Texts{"1*"});
    net.publish(3);
    net.settle();
    CHECK(read_marks(net[2]) == Texts{"3"});
}

TEST_CASE("a copy that comes back to its origin and leaves again is known and dropped") {
    ThereAndBack net;
    net.disconnect(0, 1);  // the acknowledgement is lost
    net.connect(0, 2);
    net.pass(5s);
    CHECK(read_marks(net[2]) == Texts{"1*"});
    net.connect(0, 1);
    net.pass(5s);
    CHECK(net.batches(1, 0) == 1);
    CHECK(net.batches(0, 2) == 2);
    CHECK(read_marks(net[2]).empty());
    for (int host = 0; host < 3; ++host) CHECK(net[host].balances());
}

TEST_CASE("what came by a relay proves nothing about what is sent again straight from its origin") {
    ThereAndBack net;
    net.settle();
    net.connect(1, 2);
    net.settle();
    CHECK(read_marks(net[2]) == Texts{"1"});
    net.connect(0, 2);
    net.pass(5s);
    // It may have come straight to an earlier start of 2, while the relay still had the first.
    net[0].publish(app, 2, news(2), wire::envelope_flag::resent);
    net.settle();
    CHECK(net.batches(1, 2) == 1);
    CHECK(read_marks(net[2]) == Texts{"2*"});
}

TEST_CASE("a ring heals around a broken link, and nothing goes in circles") {
    Network net{5, {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 0}}, {0, 1, 2, 3, 4}};
    subscribe(net[2], wire::Kind::topic, "far");
    net.settle();
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    net.settle();
    net.pass(1s);
    CHECK(net.batches(0, 1) == 1);
    net.disconnect(1, 2);
    net.pass(5s);
    net[0].publish(app, 2, news(2));
    net.settle();
    CHECK(net.batches(0, 4) == 1);
    CHECK(net.batches(4, 3) == 1);
    CHECK(read_marks(net[2]) == Texts{"1", "2"});
    net.disconnect(2, 3);
    net.pass(5s);
    net[0].publish(app, 3, news(3));
    net.pass(10s);
    net.connect(1, 2);
    net.pass(5s);
    CHECK(read_marks(net[2]) == Texts{"3"});
}

TEST_CASE("a queue's messages go to consumers behind a relay, while they are within reach") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    subscribe(net[2], wire::Kind::queue);
    net.settle();
    net[0].open(app, producer);
    const auto order = [](std::uint64_t n) {
        return make_batch(
            {.kind = wire::Kind::queue, .channel = "news", .producer = producer, .sequence = n});
    };
    net[0].publish(app, 1, order(1));
    net.settle();
    CHECK(read_marks(net[2]) == Texts{"1"});
    net.disconnect(1, 2);
    net.pass(5s);
    net[0].publish(app, 2, order(2));
    net.pass(5s);
    CHECK(net.batches(0, 1) == 1);  // it waits where another consumer could still get it
    net.connect(1, 2);
    net.pass(5s);
    CHECK(read_marks(net[2]) == Texts{"2"});
}

TEST_CASE("a queue's message that comes back to an agent is no copy of what that agent had") {
    Network net{3, {{0, 1}, {1, 2}}, {}};
    subscribe(net[1], wire::Kind::queue);
    net.settle();
    net[0].open(app, producer);
    net[0].publish(
        app, 1, make_batch({.kind = wire::Kind::queue, .channel = "news", .producer = producer}));
    net.settle();
    REQUIRE(net[1].next_delivery());
    const auto moves = [&](int from, int to) {
        subscribe(net[to], wire::Kind::queue);
        net[from].leave(reader);
        net.pass(limits::queue_return_after_default + 10s);
        const auto delivery = net[to].next_delivery();
        REQUIRE(delivery);
        CHECK(delivery->envelope.redelivered());
    };
    moves(1, 2);
    moves(2, 1);
    CHECK(read(net[2]).empty());
    for (int host : {0, 1, 2}) CHECK(net[host].balances());
}

TEST_CASE("interest that changed while a link was down is asked for, and only then") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    subscribe(net[2], wire::Kind::topic, "far");
    net.settle();
    CHECK(net[0].changes<PutInterest>() == 1);
    net.disconnect(0, 1);
    wire::Subscribe more;
    more.id = 2;
    more.filter = "sport";
    more.durable = "more";
    net[2].subscribe(reader, more);
    net.settle();
    net.connect(0, 1);
    net.settle();
    CHECK(net[0].changes<PutInterest>() == 2);
    wire::Unsubscribe end;
    end.id = 2;
    end.forget = true;
    net[2].exchange->on_command(reader, end, net[2].now);
    net.settle();
    CHECK(net[0].changes<DropInterest>() == 1);
}

TEST_CASE("rules hold on the way in and on the way out") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    subscribe(net[2], wire::Kind::topic, "far");
    net.settle();
    const auto allow = [&](int host, int peer, Permissions may) {
        for (auto& one : net[host].settings.peers)
            if (one.name == std::to_string(peer)) one.may = may;
        net[host].exchange->reload(net[host].settings, net[host].now);
        net.settle();
    };
    net[0].open(app, producer);
    SUBCASE("what a peer may not publish is refused, and kept by its sender with the reason") {
        allow(1, 0, {.publish = {"sport.**"}, .subscribe = {"**"}});
        net[0].publish(app, 1, news(1));
        net.settle();
        CHECK(read_marks(net[2]).empty());
        CHECK(net[1].exchange->status(net[1].now).denied == 1);
        CHECK(net[0].changes<Bury>() == 1);
    }
    SUBCASE("what a peer may not have is not owed to it") {
        allow(0, 1, {.publish = {"**"}, .subscribe = {"sport.**"}});
        net[0].publish(app, 1, news(1));
        net.settle();
        CHECK(net.batches(0, 1) == 0);
        CHECK(net[0].exchange->status(net[0].now).unrouted == 1);
    }
    SUBCASE("what was owed before waits until it may have it") {
        net.disconnect(0, 1);
        net[0].publish(app, 1, news(1));
        allow(0, 1, {.publish = {"**"}, .subscribe = {"sport.**"}});
        net.connect(0, 1);
        net.settle();
        CHECK(read_marks(net[2]).empty());
        allow(0, 1, {.publish = {"**"}, .subscribe = {"news"}});
        CHECK(read_marks(net[2]) == Texts{"1"});
    }
    for (int host = 0; host < 3; ++host) CHECK(net[host].balances());
}
