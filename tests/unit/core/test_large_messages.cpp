#include "large.h"

namespace {

const SessionId first{2}, second{3};

// The producer is at a, the consumer at b, and the first parts are on their way.
void begin(TwoHosts& hosts, const Large& message, std::uint32_t parts) {
    consume(hosts.b, first, message);
    hosts.connect();
    hosts.a.open(app, producer);
    message.publish(hosts.a, 0, parts);
    hosts.settle();
}

Account account_of(const Host& host, std::size_t group = 0) {
    return host.exchange->status(host.now).groups.at(group).account;
}

// What was handed out is journaled: time passes beyond any grace.
void journal_all(Host& host) { host.pass(100ms); }

// The journal reads back what the host asked for: parts of `what` by batch id, from 1 on.
void answer_recall(Host& host, const Large& what, std::optional<std::uint32_t> damaged = {}) {
    REQUIRE(!host.reads.empty());
    Loaded loaded{.request = host.reads.back(), .entries = {}, .last = true};
    host.reads.clear();
    for (std::uint32_t index = 0; index < what.total; ++index) {
        const BatchId id{1 + index};
        if (id <= loaded.request.after) continue;
        LoadedEntry entry{.id = id, .batch = {}, .messages = 1};
        if (damaged != index) entry.batch = what.part(index);
        loaded.entries.push_back(std::move(entry));
    }
    host.exchange->on_journal(loaded, host.now);
    host.turn();
}

}  // namespace

TEST_CASE("all parts of a large message go to one consumer, whatever room it has") {
    const Large message;
    Host host{"a", 1, {}};
    host.open(app, producer);
    consume(host, first, message, 1);
    consume(host, second, message, 1);
    message.publish(host, 0, 5);
    REQUIRE(host.deliveries.size() == 5);
    for (const auto& [session, delivery] : host.deliveries)
        CHECK(session == host.deliveries.front().first);
}

TEST_CASE("the parts of a large message settle together, with the last") {
    const Large message;
    Host host{"a", 1, {}};
    host.open(app, producer);
    consume(host, first, message);
    message.publish(host, 0, 5);
    for (int i = 0; i < 4; ++i) host.ack(first, *host.next_delivery());
    CHECK(account_of(host).settled == 0);
    host.ack(first, *host.next_delivery());
    CHECK(account_of(host).settled == 5);
    CHECK(host.balances());
}

TEST_CASE("a consumer that leaves in the middle of its verdicts gives back the whole message") {
    const Large message;
    Host host{"a", 1, {}};
    host.open(app, producer);
    consume(host, first, message);
    message.publish(host, 0, 5);
    for (int i = 0; i < 3; ++i) host.ack(first, *host.next_delivery());
    host.deliveries.clear();
    consume(host, second, message);
    host.leave(first);
    REQUIRE(host.deliveries.size() == 5);
    std::uint32_t index = 0;
    for (const auto& [session, delivery] : host.deliveries) {
        CHECK(session == second);
        CHECK(delivery.envelope.redelivered());
        CHECK(delivery.batch.header().part->index == index++);
    }
    while (auto delivery = host.next_delivery()) host.ack(second, *delivery);
    CHECK(account_of(host).settled == 5);
    CHECK(host.balances());
}

TEST_CASE(
    "what is handed out of a large message leaves memory and comes back for another consumer") {
    const Large message;
    Host host{"a", 1, {}};
    host.open(app, producer);
    consume(host, first, message);
    message.publish(host, 0, 4);
    CHECK(host.exchange->status(host.now).memory_bytes > 0);
    journal_all(host);
    CHECK(host.exchange->status(host.now).memory_bytes == 0);
    host.deliveries.clear();

    consume(host, second, message);
    host.leave(first);
    CHECK(host.deliveries.empty());
    SUBCASE("whole") {
        answer_recall(host, message);
        REQUIRE(host.deliveries.size() == 4);
        CHECK(host.exchange->status(host.now).memory_bytes == 0);
        message.publish(host, 4, 5);
        while (auto delivery = host.next_delivery()) host.ack(second, *delivery);
        CHECK(account_of(host).settled == 5);
    }
    SUBCASE("without its beginning, which is damaged: the rest is kept as a dead letter") {
        answer_recall(host, message, 0);
        CHECK(host.deliveries.empty());
        CHECK(account_of(host).purged == 1);
        CHECK(account_of(host).dead_lettered == 3);
    }
    SUBCASE("with a gap, which its consumer finds") {
        answer_recall(host, message, 2);
        CHECK(host.deliveries.size() == 3);
        CHECK(account_of(host).purged == 1);
    }
    CHECK(host.balances());
}

TEST_CASE("a producer that is gone in the middle of a large message is followed by an abort") {
    const Large message;
    Host host{"a", 1, {}};
    host.open(app, producer);
    consume(host, first, message);
    message.publish(host, 0, 2);
    host.leave(app);
    host.pass(29s);
    CHECK(host.deliveries.size() == 2);
    host.pass(2s);  // it is given up
    CHECK(host.changes<GiveUp>() == 1);
    host.pass(1s);  // and that is durable
    REQUIRE(host.deliveries.size() == 3);
    const auto abort = host.deliveries.back().second.batch.header();
    CHECK(is_abort(abort));
    CHECK(abort.part->first_sequence == 1);
    CHECK(abort.part->index == 2);
    while (auto delivery = host.next_delivery()) host.ack(first, *delivery);
    CHECK(account_of(host).waiting == 0);
    CHECK(host.balances());
    // It comes back after all: what it still sends of that message is refused, not half delivered.
    host.open(app, producer);
    host.publish(app, 3, message.part(2));
    CHECK(host.deliveries.empty());
    CHECK(std::holds_alternative<wire::Refused>(host.replies.back()));
}

TEST_CASE("what was given up stays so across a restart of the agent") {
    const Large message;
    Recovered recovered;
    recovered.given_up.push_back({producer, 1});
    Host host{"a", 1, {}, recovered, 2'000};
    host.open(app, producer);
    consume(host, first, message);
    host.publish(app, 3, message.part(2));
    CHECK(host.deliveries.empty());
    CHECK(std::holds_alternative<wire::Refused>(host.replies.back()));
}

// After two crashes a subscription may have been given both twice.
TEST_CASE("each copy of a message that was given up is followed by its own abort") {
    const Large message{.kind = wire::Kind::topic};
    const Batch abort = message.abort(1);
    Host host{"a", 1, {}};
    host.open(app, producer);
    consume(host, first, message);
    std::uint64_t number = 0;
    for (const Batch& batch : {message.part(0), abort, message.part(0), abort})
        host.publish(app, ++number, batch);
    CHECK(host.deliveries.size() == 4);
    while (auto delivery = host.next_delivery()) host.ack(first, *delivery);
    CHECK(account_of(host).settled == 4);
    CHECK(account_of(host).waiting == 0);
    CHECK(host.balances());
}

TEST_CASE("a copy that begins after an abort and goes no further is ended as well") {
    const Large message{.kind = wire::Kind::topic};
    const Batch abort = message.abort(1);
    Host host{"a", 1, {}};
    host.open(app, producer);
    consume(host, first, message);
    std::uint64_t number = 0;
    for (const Batch& batch : {message.part(0), abort, message.part(0)})
        host.publish(app, ++number, batch);
    host.leave(app);
    for (int i = 0; i < 35; ++i) host.pass(1s);
    REQUIRE(host.deliveries.size() == 4);
    CHECK(is_abort(host.deliveries.back().second.batch.header()));
    while (auto delivery = host.next_delivery()) host.ack(first, *delivery);
    CHECK(account_of(host).waiting == 0);
    CHECK(host.balances());
}

TEST_CASE("no abort while the producer is there and goes on with its message") {
    const Large message;
    Host host{"a", 1, {}};
    consume(host, first, message);
    SUBCASE("as its parts show") {
        host.open(app, producer);
        message.publish(host, 0, 2);
    }
    SUBCASE("as may be, for all that a client says which does not tell") {
        host.open(app, producer);
        message.publish(host, 0, 2);
        host.leave(app);
        host.open(app, producer);
    }
    SUBCASE("as it says after the agent was away") {
        host.open(app, producer);
        message.publish(host, 0, 2);
        host.leave(app);
        host.exchange->on_session(app, 1000, host.now);
        wire::Hello hello{.app = "test", .producer = producer};
        hello.unfinished = {{1, 0}};
        host.exchange->on_command(app, hello, host.now);
    }
    host.pass(10min);
    host.pass(10s);
    CHECK(host.deliveries.size() == 2);
    CHECK(host.changes<GiveUp>() == 0);
}

TEST_CASE("a peer that has the beginning asks its origin, which alone knows that no more comes") {
    const Large message{.kind = wire::Kind::topic};
    TwoHosts hosts;
    begin(hosts, message, 2);
    CHECK(hosts.b.deliveries.size() == 2);
    hosts.a.leave(app);
    for (int i = 0; i < 60; ++i) hosts.pass(1s);
    REQUIRE(hosts.b.deliveries.size() == 3);
    CHECK(is_abort(hosts.b.deliveries.back().second.batch.header()));
    while (auto delivery = hosts.b.next_delivery()) hosts.b.ack(first, *delivery);
    hosts.settle();
    CHECK(account_of(hosts.b).waiting == 0);
    CHECK(hosts.a.balances());
    CHECK(hosts.b.balances());
}

TEST_CASE("an unfinished message of a peer that is none any more goes to the dead letters") {
    const Large message{.kind = wire::Kind::topic};
    TwoHosts hosts;
    begin(hosts, message, 2);
    auto settings = hosts.b.settings;
    settings.peers.clear();
    hosts.b.exchange->reload(settings, hosts.b.now);
    for (int i = 0; i < 40; ++i) hosts.b.pass(1s);
    CHECK(account_of(hosts.b).dead_lettered == 2);
    CHECK(hosts.b.balances());
}

TEST_CASE("a queue keeps what a peer took of a large message until the peer has all of it") {
    const Large message;
    TwoHosts hosts;
    begin(hosts, message, 4);
    journal_all(hosts.b);
    journal_all(hosts.a);
    hosts.settle();
    CHECK(hosts.b.deliveries.size() == 4);
    CHECK(account_of(hosts.a).waiting == 4);
    CHECK(hosts.a.exchange->status(hosts.a.now).memory_bytes == 0);
    message.publish(hosts.a, 4, 5);
    hosts.settle();
    while (auto delivery = hosts.b.next_delivery()) hosts.b.ack(first, *delivery);
    hosts.settle();
    CHECK(account_of(hosts.a).settled == 5);
    CHECK(hosts.a.balances());
}

TEST_CASE("a queue tells the peer that took the beginning that no more comes, and settles it") {
    const Large message;
    TwoHosts hosts;
    begin(hosts, message, 2);
    hosts.a.leave(app);
    for (int i = 0; i < 60; ++i) hosts.pass(1s);
    REQUIRE(hosts.b.deliveries.size() == 3);
    while (auto delivery = hosts.b.next_delivery()) hosts.b.ack(first, *delivery);
    hosts.settle();
    CHECK(account_of(hosts.a).waiting == 0);
    CHECK(account_of(hosts.b).waiting == 0);
    CHECK(hosts.a.balances());
}

TEST_CASE("a later part without its beginning reaches nobody") {
    Host host{"a", 1, {}};
    host.open(app, producer);
    SUBCASE("of a topic: it began before the subscription") {
        const Large message{.kind = wire::Kind::topic};
        consume(host, first, message);
        message.publish(host, 2, 5);
        CHECK(account_of(host).filtered == 3);
    }
    SUBCASE("of a queue: it is kept for people") {
        const Large message;
        consume(host, first, message);
        message.publish(host, 2, 5);
        CHECK(account_of(host).dead_lettered == 3);
    }
    SUBCASE("flagged: it is the end of a copy of what was taken whole") {
        const Large message;
        consume(host, first, message);
        host.publish(app, 3, message.part(2), wire::envelope_flag::resent);
        CHECK(account_of(host).settled == 1);
    }
    CHECK(host.deliveries.empty());
    CHECK(host.balances());
}

TEST_CASE("a peer that stays away does not keep a queue waiting with the rest of its message") {
    const Large message;
    TwoHosts hosts;
    consume(hosts.b, first, message);
    hosts.connect();
    hosts.a.open(app, producer);
    message.publish(hosts.a, 0, 3);
    hosts.settle();
    CHECK(hosts.b.deliveries.size() == 3);
    hosts.disconnect();
    message.publish(hosts.a, 3, 5);
    consume(hosts.a, second, message);
    for (int i = 0; i < 29; ++i) hosts.pass(1s);
    CHECK(hosts.a.deliveries.empty());
    for (int i = 0; i < 3; ++i) hosts.pass(1s);
    if (!hosts.a.reads.empty()) answer_recall(hosts.a, message);
    REQUIRE(hosts.a.deliveries.size() == 5);
    for (const auto& [session, delivery] : hosts.a.deliveries) CHECK(session == second);
    while (auto delivery = hosts.a.next_delivery()) hosts.a.ack(second, *delivery);
    CHECK(account_of(hosts.a).settled == 5);
    // What the peer has of it is of no use, and it comes to know.
    hosts.connect();
    hosts.b.deliveries.clear();
    hosts.a.leave(app);
    for (int i = 0; i < 60; ++i) hosts.pass(1s);
    REQUIRE(hosts.b.deliveries.size() == 1);
    CHECK(is_abort(hosts.b.deliveries.front().second.batch.header()));
    CHECK(hosts.a.balances());
}

TEST_CASE("what the last consumer of this host leaves behind may go to a peer, flagged") {
    TwoHosts hosts;
    const Large message;
    hosts.a.open(app, producer);
    consume(hosts.a, second, message);
    hosts.connect();
    SUBCASE("a batch") {
        hosts.a.publish(app, 1,
                        make_batch({.kind = wire::Kind::queue,
                                    .channel = "jobs",
                                    .producer = producer,
                                    .messages = 3}));
        CHECK(hosts.a.deliveries.size() == 1);
        consume(hosts.b, first, message);
        hosts.settle();
        CHECK(hosts.b.deliveries.empty());
        hosts.a.leave(second);
        hosts.settle();
        REQUIRE(hosts.b.deliveries.size() == 1);
        CHECK(hosts.b.deliveries.front().second.envelope.redelivered());
    }
    SUBCASE("a large message") {
        message.publish(hosts.a, 0, 5);
        consume(hosts.b, first, message);
        hosts.a.leave(second);
        hosts.settle();
        CHECK(hosts.b.deliveries.size() == 5);
    }
    while (auto delivery = hosts.b.next_delivery()) hosts.b.ack(first, *delivery);
    hosts.settle();
    CHECK(account_of(hosts.a).waiting == 0);
    CHECK(hosts.a.balances());
    CHECK(hosts.b.balances());
}
