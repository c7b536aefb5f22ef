// The receipt `consumed`: acknowledged by every subscription, queue and group, on whatever hosts.
#include "network.h"
#include "stories.h"

namespace {

constexpr std::uint16_t wanted = wire::batch_flag::want_arrived | wire::batch_flag::want_consumed;

Batch news(std::uint64_t sequence, wire::Kind kind = wire::Kind::topic) {
    return make_batch({.kind = kind,
                       .channel = "news",
                       .producer = producer,
                       .sequence = sequence,
                       .flags = wanted});
}

// What was told beyond `safe`.
std::vector<wire::Receipt> told(Host& host) {
    std::vector<wire::Receipt> found;
    for (const auto& receipt : host.receipts)
        if (receipt.stage != wire::Stage::safe) found.push_back(receipt);
    return found;
}

void require_consumed(Host& host, wire::Fate fate = wire::Fate::reached) {
    const auto receipts = told(host);
    REQUIRE(receipts.size() == 1);
    CHECK(receipts[0].stage == wire::Stage::consumed);
    CHECK(receipts[0].fate == fate);
}

}  // namespace

TEST_CASE("consumed is told when the last of all consumers has acknowledged, here and elsewhere") {
    TwoHosts pair;
    pair.connect();
    subscribe(pair.a, wire::Kind::topic, "here");
    subscribe(pair.b, wire::Kind::topic, "there");
    pair.settle();
    pair.a.open(app, producer);
    pair.a.publish(app, 1, news(1));
    pair.settle();
    CHECK(told(pair.a).empty());  // both agents have it
    CHECK(read(pair.a) == Sequences{1});
    pair.settle();
    CHECK(told(pair.a).empty());
    CHECK(read(pair.b) == Sequences{1});
    pair.settle();
    require_consumed(pair.a);
    CHECK(pair.a.balances());
}

TEST_CASE("through relays, and for a queue wherever it is worked on") {
    for (const auto kind : {wire::Kind::topic, wire::Kind::queue}) {
        Network net{4, {{0, 1}, {1, 2}, {2, 3}}, {1, 2}};
        subscribe(net[3], kind, "far");
        net.settle();
        net[0].open(app, producer);
        net[0].publish(app, 1, news(1, kind));
        net.settle();
        CHECK(told(net[0]).empty());
        const auto delivery = net[3].next_delivery();
        REQUIRE(delivery);
        net[3].ack(reader, *delivery);
        net.settle();
        require_consumed(net[0]);
    }
}

TEST_CASE("what became of it otherwise has a name") {
    SUBCASE("a dead letter, since its consumer rejected it") {
        TwoHosts pair;
        pair.connect();
        subscribe(pair.b);
        pair.settle();
        pair.a.open(app, producer);
        pair.a.publish(app, 1, news(1));
        pair.settle();
        pair.b.ack(reader, *pair.b.next_delivery(), wire::Verdict::reject);
        pair.settle();
        require_consumed(pair.a, wire::Fate::dead_lettered);
    }
    SUBCASE("lapsed, since its subscription was ended") {
        Host host{"a", 1, {}};
        subscribe(host);
        host.open(app, producer);
        host.publish(app, 1, news(1));
        host.exchange->on_command(reader, wire::Unsubscribe{.id = 1, .forget = true}, host.now);
        host.turn();
        require_consumed(host, wire::Fate::lapsed);
    }
}

TEST_CASE("a host with nobody left for it has consumed it") {
    TwoHosts pair;
    pair.connect();
    pair.b.open(reader);
    pair.b.subscribe(reader, {.id = 1, .filter = "news", .durable = {}, .group = {}});
    pair.settle();
    pair.a.open(app, producer);
    pair.a.publish(app, 1, news(1));
    pair.b.exchange->on_command(reader, wire::Unsubscribe{.id = 1}, pair.b.now);
    pair.settle();
    require_consumed(pair.a);
}
