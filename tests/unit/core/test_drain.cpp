// Before a host is replaced: nothing new comes in, everything goes that can, and what cannot says
// why.
#include <algorithm>

#include "network.h"
#include "stories.h"

namespace {

const ProducerId other_producer{{8, 8}};
const SessionId other_app{3};

Batch news(std::uint64_t sequence, wire::Kind kind = wire::Kind::topic,
           const ProducerId& by = producer) {
    return make_batch({.kind = kind, .channel = "news", .producer = by, .sequence = sequence});
}
template <class T>
const T* last_reply(const Host& host) {
    for (auto at = host.replies.rbegin(); at != host.replies.rend(); ++at)
        if (const auto* found = std::get_if<T>(&*at)) return found;
    return nullptr;
}
void drain(Host& host, bool on = true) {
    host.exchange->drain(on, host.now);
    host.turn();
}
DrainReport report(const Host& host) { return host.exchange->drain_report(host.now); }

}  // namespace

TEST_CASE("a drained host holds its publishers and its peers back, until it is undone") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[0]);
    net.settle();
    net[0].open(app, producer);
    net[1].open(app, other_producer);
    drain(net[0]);
    net.settle();
    const auto* hold = last_reply<wire::Hold>(net[0]);
    REQUIRE(hold != nullptr);
    CHECK(hold->channels[0].filter == "**");
    CHECK(hold->channels[0].reason == "this host is being drained");
    net[1].publish(app, 1, news(1, wire::Kind::topic, other_producer));
    net.settle();
    CHECK(read(net[0]).empty());
    CHECK(net[0].exchange->status(net[0].now).draining);
    // Whoever comes now is told at once.
    net[0].open(other_app, ProducerId{{9, 9}});
    const auto* welcome = last_reply<wire::Welcome>(net[0]);
    REQUIRE(welcome != nullptr);
    REQUIRE(welcome->held.size() == 1);
    CHECK(welcome->held[0].reason == "this host is being drained");
    net.pass(5s);
    drain(net[0], false);
    net.settle();
    CHECK(last_reply<wire::Resume>(net[0]) != nullptr);
    CHECK(read(net[0]) == Sequences{1});
}

TEST_CASE("a hold outlives the link session, and the drain the peer's absence") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[0]);
    net.settle();
    net[1].open(app, other_producer);
    net.disconnect(0, 1);
    drain(net[0]);
    net.connect(0, 1);
    net.settle();
    net[1].publish(app, 1, news(1, wire::Kind::topic, other_producer));
    net.settle();
    CHECK(read(net[0]).empty());
    drain(net[0], false);
    net.settle();
    CHECK(read(net[0]) == Sequences{1});
}

TEST_CASE("what is owed goes on, and the report ends empty") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1]);
    net.settle();
    net.disconnect(0, 1);
    net[0].open(app, producer);
    for (std::uint64_t n = 1; n <= 3; ++n) net[0].publish(app, n, news(n));
    drain(net[0]);
    net.pass(5s);
    DrainReport left = report(net[0]);
    REQUIRE(left.rows.size() == 1);
    CHECK(left.all.messages == 3);
    CHECK(left.rows[0].to == "agent 1");
    CHECK_FALSE(left.rows[0].moves);
    CHECK(left.rows[0].words.find("the link to 1 is down for 5 s") != std::string::npos);
    net.connect(0, 1);
    net.settle();
    CHECK(read(net[1]) == Sequences{1, 2, 3});
    net.settle();
    CHECK(report(net[0]).is_done());
}

TEST_CASE("a queue gives a peer's messages away as well, at once") {
    Network net{3, {{0, 1}, {0, 2}}, {}};
    subscribe(net[0], wire::Kind::queue);
    net.settle();
    net[1].open(app, producer);
    net[1].publish(app, 1, news(1, wire::Kind::queue));
    net.settle();
    net[0].leave(reader);  // what it had waits here for a consumer of this host
    net.settle();
    subscribe(net[2], wire::Kind::queue);
    net.settle();
    CHECK(read(net[2]).empty());
    CHECK(report(net[0]).rows.size() == 1);
    drain(net[0]);
    net.settle();
    CHECK(read(net[2]) == Sequences{1});
    net.settle();
    CHECK(report(net[0]).is_done());
}

TEST_CASE("what cannot go is told with what keeps it") {
    Network net{1, {}, {}};
    subscribe(net[0]);
    net[0].leave(reader);
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    net[0].publish(app, 2, news(2, wire::Kind::queue));
    drain(net[0]);
    const DrainReport left = report(net[0]);
    REQUIRE(left.rows.size() == 2);
    CHECK(left.rows[0].to == "durable news");
    CHECK(left.rows[0].words == "its app is away, and nobody else can have it");
    CHECK(left.rows[1].to == "queue news");
    CHECK(left.rows[1].words == "it has no consumer anywhere within reach");
}

TEST_CASE("a drained hub passes on what it has, and what is new takes another way") {
    Network net{4, {{0, 1}, {1, 3}, {0, 2}, {2, 3}}, {1, 2}};
    subscribe(net[3]);
    net.settle();
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    net.settle();
    const int hub = net.batches(0, 1) > 0 ? 1 : 2, other = 3 - hub;
    drain(net[hub]);
    net.settle();
    net[0].publish(app, 2, news(2));
    net.settle();
    CHECK(net.batches(0, other) == 1);
    CHECK(read(net[3]) == Sequences{1, 2});
    net.settle();
    CHECK(report(net[hub]).is_done());
}
