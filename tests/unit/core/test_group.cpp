#include "workplace.h"

TEST_CASE("consumers of a queue share a batch by ranges") {
    Workplace host;
    host.employ(second);
    host.publish(app, 1, jobs(1, 10));
    REQUIRE(host.deliveries.size() == 2);
    std::uint32_t messages = 0;
    for (const auto& [session, delivery] : host.deliveries) {
        CHECK(delivery.envelope.messages == 5);
        CHECK(delivery.envelope.attempt == 1);
        messages += delivery.envelope.messages;
    }
    CHECK(messages == 10);
    CHECK(host.deliveries[0].first != host.deliveries[1].first);
    CHECK(host.balances());
}

TEST_CASE("prefetch bounds what a consumer has, an acknowledgement makes room") {
    Workplace host{4};
    const auto delivery = host.hand_out(10);
    CHECK(delivery.envelope.messages == 4);
    CHECK(host.deliveries.empty());
    host.ack(first, delivery);
    const auto next = host.next_delivery();
    REQUIRE(next);
    CHECK(next->envelope.first == 4);
    CHECK(next->envelope.attempt == 1);
}

TEST_CASE("what a consumer leaves behind goes to another, marked") {
    Workplace host;
    const auto delivery = host.hand_out(10);
    const wire::Ack some{.tag = delivery.envelope.number, .first = 0, .count = 3};
    host.exchange->on_acks(first, {&some, 1}, host.now);
    host.open(second);
    host.subscribe(second, receive());
    host.exchange->on_session_gone(first, host.now);
    host.turn();
    std::uint32_t next = 3;
    while (const auto again = host.next_delivery()) {
        CHECK(again->envelope.first == next);
        next += again->envelope.messages;
        CHECK(again->envelope.redelivered());
        CHECK(again->envelope.attempt == 2);
        host.ack(second, *again);
    }
    CHECK(next == 10);
    CHECK(host.exchange->status(host.now).groups[0].account.settled == 10);
    CHECK(host.balances());
}

TEST_CASE("a nack with a delay comes back when it is over") {
    Workplace host;
    const auto delivery = host.hand_out(1);
    const wire::Ack nack{.tag = delivery.envelope.number,
                         .count = 1,
                         .verdict = wire::Verdict::nack,
                         .delay_millis = 5'000};
    host.exchange->on_acks(first, {&nack, 1}, host.now);
    host.turn();
    host.pass(4s);
    CHECK(host.deliveries.empty());
    CHECK(host.exchange->next_deadline() <= host.now + 1s);
    host.pass(1s);
    host.recall();
    const auto again = host.next_delivery();
    REQUIRE(again);
    CHECK(again->envelope.attempt == 2);
}

TEST_CASE("a rejected message is a dead letter with its reason, the rest is settled") {
    Workplace host;
    const auto delivery = host.hand_out(10);
    const wire::Ack verdicts[] = {
        {.tag = delivery.envelope.number, .first = 0, .count = 2, .verdict = wire::Verdict::reject},
        {.tag = delivery.envelope.number, .first = 2, .count = 8}};
    host.exchange->on_acks(first, verdicts, host.now);
    host.turn();
    CHECK(host.changes<Bury>() == 1);
    const auto account = host.exchange->status(host.now).groups[0].account;
    CHECK(account.dead_lettered == 2);
    CHECK(account.settled == 8);
    CHECK(host.balances());
}

TEST_CASE("an acknowledgement of what was decided before, or of another session, changes nothing") {
    Host host{"a", 1, {}};
    host.open(app, producer);
    host.open(first);
    host.open(second);
    host.subscribe(first, receive());
    host.publish(app, 1, jobs(1, 2));
    const auto delivery = host.next_delivery();
    REQUIRE(delivery);
    host.ack(second, *delivery);
    CHECK(host.exchange->status(host.now).groups[0].unacknowledged == 2);
    const wire::Ack one{.tag = delivery->envelope.number, .first = 0, .count = 1};
    const wire::Ack wide{.tag = delivery->envelope.number, .first = 1, .count = 9};
    host.exchange->on_acks(first, {&one, 1}, host.now);
    host.exchange->on_acks(first, {&one, 1}, host.now);
    host.exchange->on_acks(first, {&wide, 1}, host.now);
    host.turn();
    CHECK(host.exchange->status(host.now).groups[0].unacknowledged == 1);
    CHECK(host.exchange->status(host.now).malformed == 1);
}

TEST_CASE("an expired message is not handed out, and is accounted for") {
    Host host{"a", 1, {}};
    host.open(app, producer);
    host.publish(app, 1,
                 make_batch({.kind = wire::Kind::queue,
                             .channel = "jobs",
                             .producer = producer,
                             .ttl_millis = 1'000}));
    host.pass(2s);
    host.open(first);
    host.subscribe(first, receive());
    CHECK(host.deliveries.empty());
    CHECK(host.exchange->status(host.now).groups[0].account.expired == 1);
    CHECK(host.balances());
}
