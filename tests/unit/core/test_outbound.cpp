#include <algorithm>

#include "stories.h"

namespace {

Batch news(std::uint64_t sequence, const std::string& channel = "news") {
    return make_batch({.channel = channel, .producer = producer, .sequence = sequence});
}
wire::Subscribe subscription(const std::string& filter, const std::string& durable = {}) {
    wire::Subscribe command;
    command.id = 1;
    command.filter = filter;
    command.durable = durable;
    return command;
}

struct Story : TwoHosts {
    Story() {
        b.open(reader);
        b.subscribe(reader, subscription("news.**", "all"));
        wire::Subscribe plain = subscription("news", "plain");
        plain.id = 2;
        b.subscribe(reader, plain);
        a.open(app, producer);
        connect();
    }
    std::vector<std::uint64_t> sequences() {
        std::vector<std::uint64_t> found;
        while (auto delivery = b.next_delivery()) {
            found.push_back(delivery->batch.header().sequence);
            b.ack(reader, *delivery);
        }
        return found;
    }
};

}  // namespace

TEST_CASE("on a healthy link the disk stays idle and the receipt follows from the settlement") {
    Story hosts;
    const auto before = hosts.a.changes<Put>() + hosts.b.changes<Put>();
    for (std::uint64_t n = 1; n <= 20; ++n) {
        hosts.a.publish(app, n, news(n));
        hosts.settle();
        CHECK(hosts.sequences() == std::vector{n});
        hosts.settle();
    }
    CHECK(hosts.a.changes<Put>() + hosts.b.changes<Put>() == before);
    REQUIRE(hosts.a.receipts.size() == 20);
    CHECK(hosts.a.receipts[19].number == 20);
    CHECK(hosts.a.receipts[19].destinations == 1);
    CHECK(hosts.a.balances());
    CHECK(hosts.b.balances());
}

TEST_CASE("with the link down a message is journaled at once and goes when the link is back") {
    Story hosts;
    hosts.disconnect();
    hosts.a.publish(app, 1, news(1));
    CHECK(hosts.a.changes<Put>() == 1);
    CHECK(hosts.a.receipts.size() == 1);
    hosts.connect();
    CHECK(hosts.sequences() == std::vector<std::uint64_t>{1});
    hosts.settle();
    hosts.a.pass(1s);
    CHECK(hosts.a.changes<Settle>() == 1);
    CHECK(hosts.a.exchange->status(hosts.a.now).links[0].backlog_messages == 0);
}

TEST_CASE(
    "after an outage high lanes go ahead of low ones that have waited longer, and starve none") {
    Story hosts;
    hosts.disconnect();
    std::uint64_t number = 0;
    for (const auto lane : {wire::Lane::low, wire::Lane::normal, wire::Lane::high})
        for (std::uint64_t n = 1; n <= 14; ++n) {
            ++number;
            hosts.a.publish(app, number,
                            make_batch({.lane = lane,
                                        .channel = "news",
                                        .producer = producer,
                                        .sequence = number,
                                        .channel_sequence = n}));
        }
    hosts.connect();
    const auto came = hosts.sequences();
    REQUIRE(came.size() == 42);
    const auto of = [&](std::uint64_t from) {
        return std::count_if(came.begin(), came.begin() + 14,
                             [&](std::uint64_t n) { return n > from && n <= from + 14; });
    };
    CHECK(of(28) == 8);  // high
    CHECK(of(14) == 4);
    CHECK(of(0) == 2);
}

TEST_CASE("what was lost on the way goes again; what was taken does not") {
    Story hosts;
    hosts.a.publish(app, 1, news(1));
    hosts.settle();
    hosts.a.publish(app, 2, news(2));
    CHECK(hosts.lose() > 0);
    hosts.a.publish(app, 3, news(3));
    hosts.settle();  // b sees the gap
    CHECK(hosts.sequences() == std::vector<std::uint64_t>{1, 2, 3});
    hosts.settle();
    CHECK(hosts.b.exchange->status(hosts.b.now).duplicates_dropped == 0);
    CHECK(hosts.a.exchange->status(hosts.a.now).links[0].backlog_messages == 0);
}

TEST_CASE("the loss of the last frame before silence is noticed by the next keepalive") {
    Story hosts;
    hosts.a.publish(app, 1, news(1));
    hosts.lose();
    hosts.pass(1s);
    CHECK(hosts.b.deliveries.empty());
    hosts.pass(2s);
    hosts.pass(1s);
    CHECK(hosts.sequences() == std::vector<std::uint64_t>{1});
}

TEST_CASE("a link that was silent for too long ends") {
    Story hosts;
    hosts.a.now += 31s;
    hosts.a.turn();
    CHECK(hosts.a.exchange->status(hosts.a.now).links[0].state == "down");
}

TEST_CASE("a peer that restarted gets what it had not made safe again, flagged") {
    Story hosts;
    hosts.b.journal_answers = false;
    hosts.a.publish(app, 1, news(1));
    hosts.settle();
    hosts.disconnect();
    // b dies with what it had taken in memory; its subscription was durable.
    Recovered recovered;
    recovered.agent = hosts.b.settings.agent;
    recovered.incarnation = 1'000;
    recovered.last_destination = DestinationId{9};
    recovered.destinations = {{.type = Destination::Type::durable,
                               .id = DestinationId{3},
                               .name = "all",
                               .filter = "news.**"},
                              {.type = Destination::Type::durable,
                               .id = DestinationId{4},
                               .name = "plain",
                               .filter = "news"}};
    hosts.b = Host{"b", 2, {peer("a")}, recovered, 2'000};
    hosts.connect();
    hosts.b.open(reader);
    hosts.b.subscribe(reader, subscription("news", "plain"));
    hosts.settle();
    const auto delivery = hosts.b.next_delivery();
    REQUIRE(delivery);
    CHECK(delivery->envelope.redelivered());
    CHECK(delivery->batch.header().sequence == 1);
}

TEST_CASE("a peer that is renamed keeps its link, also soon after both first met") {
    TwoHosts hosts;
    hosts.connect();
    hosts.b.settings.peers[0].name = "renamed";
    hosts.b.exchange->reload(hosts.b.settings, hosts.b.now);
    hosts.settle();
    const auto status = hosts.b.exchange->status(hosts.b.now);
    REQUIRE(status.links.size() == 1);
    CHECK(status.links[0].peer == "renamed");
    CHECK(status.links[0].state == "up");
}

TEST_CASE("a held channel waits in order while the others flow") {
    // A full destination at b: a quota of 90% of a small journal. What is durable would lapse.
    TwoHosts hosts;
    hosts.b.settings.journal_bytes_max = 64 * 1024;
    hosts.b.exchange->reload(hosts.b.settings, hosts.b.now);
    hosts.b.open(reader);
    wire::Subscribe big = subscription("big", "big"), small = subscription("small", "small");
    big.durable.clear();
    small.durable.clear();
    big.prefetch_messages = 1;
    small.id = 2;
    hosts.b.subscribe(reader, big);
    hosts.b.subscribe(reader, small);
    hosts.a.open(app, producer);
    hosts.connect();

    const auto publish = [&](std::uint64_t n, const std::string& channel) {
        hosts.a.publish(
            app, n,
            make_batch(
                {.channel = channel, .producer = producer, .sequence = n, .payload = 8'000}));
        hosts.settle();
    };
    for (std::uint64_t n = 1; n <= 12; ++n) publish(n, "big");
    CHECK(hosts.a.exchange->status(hosts.a.now).links[0].held ==
          std::vector<std::string>{"topic big"});
    publish(13, "big");
    publish(14, "small");
    const auto waiting = hosts.a.exchange->status(hosts.a.now).links[0].backlog_messages;
    CHECK(waiting >= 1);

    std::vector<std::uint64_t> big_ones, small_ones;
    while (auto delivery = hosts.b.next_delivery()) {
        const auto sequence = delivery->batch.header().sequence;
        (delivery->batch.header().channel == "big" ? big_ones : small_ones).push_back(sequence);
        CHECK_FALSE(delivery->envelope.redelivered());
        hosts.b.ack(reader, *delivery);
        hosts.settle();
    }
    CHECK(small_ones == std::vector<std::uint64_t>{14});
    CHECK(big_ones == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13});
    CHECK(hosts.a.exchange->status(hosts.a.now).links[0].held.empty());
    CHECK(hosts.a.balances());
    CHECK(hosts.b.balances());
}
