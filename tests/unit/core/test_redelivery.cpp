#include "workplace.h"

namespace {

using Counts = std::vector<std::uint32_t>;

// A consumer that is told nothing for so long: when the next delivery comes.
std::optional<Duration> waits_for(Host& host, Duration at_most) {
    const Time since = host.now;
    while (host.deliveries.empty() && host.now - since < at_most) {
        host.pass(std::min(at_most, host.exchange->next_deadline() - host.now));
        host.recall();
    }
    return host.deliveries.empty() ? std::nullopt : std::optional{host.now - since};
}

}  // namespace

// ---- Given back -----------------------------------------------------------------------------

TEST_CASE("what is given back without a delay comes again at once, then later each time") {
    Workplace host;
    auto delivery = host.hand_out(1);
    std::vector<Duration> pauses;
    for (unsigned attempt = 2; attempt <= 7; ++attempt) {
        host.nack(first, delivery);
        const auto pause = waits_for(host, 1h);
        REQUIRE(pause);
        pauses.push_back(*pause);
        delivery = *host.next_delivery();
        CHECK(delivery.envelope.attempt == attempt);
        CHECK(delivery.envelope.redelivered());
    }
    CHECK(pauses == std::vector<Duration>{0s, 1s, 5s, 30s, 300s, 300s});
}

TEST_CASE("after so many deliveries it is a dead letter") {
    Workplace host;
    host.say({.channels = {}, .waiting = {}, .max_deliveries = 3});
    auto delivery = host.hand_out(1);
    for (int again = 0; again < 2; ++again) {
        host.nack(first, delivery, 1);
        REQUIRE(waits_for(host, 1s));
        delivery = *host.next_delivery();
    }
    host.nack(first, delivery, 1);
    CHECK_FALSE(waits_for(host, 1h));
    REQUIRE(host.buried().size() == 1);
    CHECK(host.buried()[0].reason == "not acknowledged in 3 deliveries");
    CHECK(host.changes<PutDestination>() == 1);  // the journal has to know whose it is
    CHECK(host.account().dead_lettered == 1);
    CHECK(host.account().waiting == 0);
    CHECK(host.balances());
}

TEST_CASE("ten deliveries are enough where nothing is said, none where it is said") {
    for (const bool said : {false, true}) {
        Workplace host;
        if (said) host.say({.channels = {}, .waiting = {}, .max_deliveries = 0});
        auto delivery = host.hand_out(1);
        for (int given_back = 1; given_back <= 20; ++given_back) {
            host.nack(first, delivery, 1);
            if (!waits_for(host, 1s)) break;
            delivery = *host.next_delivery();
        }
        CHECK(delivery.envelope.attempt == (said ? 21 : 10));
        CHECK(host.account().dead_lettered == (said ? 0 : 1));
    }
}

TEST_CASE("a long rest is spent on disk") {
    Workplace host;
    const auto delivery = host.hand_out_journaled(1);
    const auto before = host.exchange->status(host.now).memory_bytes;
    CHECK(before > 0);
    host.nack(first, delivery, 3'600'000);
    CHECK(host.exchange->status(host.now).memory_bytes == 0);
    host.pass(1h);
    CHECK(host.deliveries.empty());
    REQUIRE(host.reads.size() == 1);
    CHECK(host.reads[0].recall);
    host.recall();
    const auto again = host.next_delivery();
    REQUIRE(again);
    CHECK(again->envelope.attempt == 2);
    host.ack(first, *again);
    CHECK(host.account().settled == 1);
    CHECK(host.balances());
}

TEST_CASE("what rests and is damaged meanwhile is accounted for") {
    Workplace host;
    const auto delivery = host.hand_out_journaled(1);
    host.nack(first, delivery, 60'000);
    host.pass(60s);
    REQUIRE(host.reads.size() == 1);
    host.exchange->on_journal(Loaded{.request = host.reads[0], .entries = {}, .last = true},
                              host.now);
    host.turn();
    CHECK(host.deliveries.empty());
    CHECK(host.account().purged == 1);
    CHECK(host.balances());
}

TEST_CASE("a consumer that puts off everything gets no more than so many") {
    Workplace host{limits::prefetch_messages_max};
    constexpr std::uint32_t batch = 1'000;
    std::uint64_t handed_out = 0;
    for (std::uint64_t n = 0; n < limits::put_off_max / batch + 5; ++n) {
        host.publish(app, n + 1, jobs(n * batch + 1, batch));
        while (const auto delivery = host.next_delivery())
            for (std::uint32_t i = 0; i < delivery->envelope.messages; ++i, ++handed_out) {
                const wire::Ack one{.tag = delivery->envelope.number,
                                    .first = delivery->envelope.first + i,
                                    .count = 1,
                                    .verdict = wire::Verdict::nack,
                                    .delay_millis = 60'000};
                host.exchange->on_acks(first, {&one, 1}, host.now);
            }
        host.turn();
    }
    CHECK(handed_out >= limits::put_off_max);
    CHECK(handed_out < limits::put_off_max + batch);
    host.pass(60s);
    CHECK_FALSE(host.deliveries.empty());
}

TEST_CASE("what becomes a dead letter is not safe before that is on disk") {
    Workplace host;
    host.journal_answers = false;
    const auto delivery = host.hand_out(1);
    host.ack(first, delivery, wire::Verdict::reject);
    CHECK(host.receipts.empty());
    CHECK(host.account().dead_lettered == 1);
    host.exchange->on_journal(Failed{.number = host.unanswered.front().number, .reason = "full"},
                              host.now);
    host.unanswered.clear();
    host.pass(2s);
    CHECK(host.receipts.empty());
    host.commit();
    REQUIRE(host.receipts.size() == 1);
    CHECK(host.receipts[0].number == 1);
}

// ---- The end of a session -----------------------------------------------------------------------

TEST_CASE("what a broken session had is handed out again with caution, and ever less") {
    Workplace host;
    (void)host.hand_out(10);
    host.leave(first);
    host.employ(second);
    Counts counts;
    while (const auto delivery = host.next_delivery()) {
        counts.push_back(delivery->envelope.messages);
        CHECK(delivery->envelope.redelivered());
        host.ack(second, *delivery);
    }
    CHECK(counts == Counts{1, 2, 4, 3});
    CHECK(host.account().settled == 10);
}

TEST_CASE("who acknowledges many at once gets them a second at a time") {
    Workplace host;
    (void)host.hand_out(10);
    host.leave(first);
    host.employ(second);
    Counts counts;
    std::vector<Duration> pauses;
    while (const auto pause = waits_for(host, 1min)) {
        pauses.push_back(*pause);
        counts.push_back(host.next_delivery()->envelope.messages);
    }
    CHECK(counts == Counts{1, 1, 2, 4, 2});
    CHECK(pauses == std::vector<Duration>{0s, 1s, 1s, 1s, 1s});
}

TEST_CASE("what kills each consumer is a dead letter in the end, and nothing that was beside it") {
    Workplace host;
    host.say({.channels = {}, .waiting = {}, .max_deliveries = 3});
    (void)host.hand_out(10);
    host.leave(first);
    SessionId consumer{10};
    int deaths = 1;
    std::uint32_t settled = 0;
    for (; deaths < 20 && settled < 9; consumer = consumer.next()) {
        host.deliveries.clear();
        host.employ(consumer);
        while (const auto delivery = host.next_delivery()) {
            if (delivery->envelope.first == 0) {
                host.leave(consumer);
                ++deaths;
                break;
            }
            settled += delivery->envelope.messages;
            host.ack(consumer, *delivery);
        }
    }
    CHECK(deaths == 4);  // at the first time it was one of ten
    REQUIRE(host.buried().size() == 1);
    CHECK(host.buried()[0].first == 0);
    CHECK(host.buried()[0].count == 1);
    CHECK(settled == 9);
    CHECK(host.account().dead_lettered == 1);
    CHECK(host.balances());
}

TEST_CASE("what an app leaves with a word goes to others as it was") {
    Workplace host;
    (void)host.hand_out(10);
    host.exchange->on_command(first, wire::Bye{}, host.now);
    host.employ(second);
    CHECK(host.next_delivery()->envelope.messages == 10);
}

// ---- Deadlines --------------------------------------------------------------------------------

namespace {

wire::Subscribe with_deadline() {
    auto terms = receive();
    terms.ack_deadline_millis = 30'000;
    return terms;
}

struct Hasty : Workplace {
    Hasty() : Workplace{} {
        leave(first);
        employ(second, with_deadline());
    }
};

}  // namespace

TEST_CASE(
    "what is not acknowledged in time is handed out again, and the late word counts for nothing") {
    Hasty host;
    const auto delivery = host.hand_out(1);
    host.pass(29s);
    CHECK(host.deliveries.empty());
    host.pass(1s);
    const auto again = host.next_delivery();
    REQUIRE(again);
    CHECK(again->envelope.attempt == 2);
    host.ack(second, delivery);
    CHECK(host.account().settled == 0);
    CHECK(host.exchange->status(host.now).late_acks == 1);
    host.ack(second, *again);
    CHECK(host.account().settled == 1);
}

TEST_CASE("who says that it is at work has its deadline anew") {
    Hasty host;
    const auto delivery = host.hand_out(1);
    for (int minute = 0; minute < 3; ++minute) {
        host.pass(20s);
        host.rule(second, {.tag = delivery.envelope.number,
                           .first = 0,
                           .count = 1,
                           .verdict = wire::Verdict::extend});
    }
    CHECK(host.deliveries.empty());
    host.pass(30s);
    CHECK_FALSE(host.deliveries.empty());
}

TEST_CASE("a passed deadline counts only for what its consumer has had the longest") {
    Hasty host;
    host.say({.channels = {}, .waiting = {}, .max_deliveries = 1});
    host.publish(app, 1, jobs(1, 1));
    host.publish(app, 2, jobs(2, 1));
    REQUIRE(host.deliveries.size() == 2);
    host.deliveries.clear();
    host.pass(30s);
    CHECK(host.account().dead_lettered == 1);
    REQUIRE(host.deliveries.size() == 1);
    CHECK(host.next_delivery()->batch.header().sequence == 2);
}

// ---- How much at once ---------------------------------------------------------------------------

TEST_CASE("one acknowledgement may stand for all before it") {
    Workplace host;
    for (std::uint64_t n = 1; n <= 3; ++n) host.publish(app, n, jobs(10 * n, 10));
    REQUIRE(host.deliveries.size() == 3);
    const auto last = host.deliveries.back().second;
    host.rule(first, {.tag = last.envelope.number, .first = 3, .count = 1, .through = true});
    CHECK(host.exchange->status(host.now).groups[0].unacknowledged == 6);
    CHECK(host.account().settled == 20);
    CHECK(host.exchange->status(host.now).malformed == 0);
}

TEST_CASE("a consumer gets no more a second than it asked for") {
    Workplace host;
    host.leave(first);
    auto terms = receive();
    terms.rate = 100;
    host.employ(second, terms);
    host.publish(app, 1, jobs(1, 300));
    std::uint32_t got = 0;
    const Time since = host.now;
    while (got < 300) {
        REQUIRE(waits_for(host, 1s));
        while (const auto delivery = host.next_delivery()) {
            got += delivery->envelope.messages;
            host.ack(second, *delivery);
        }
        const auto seconds = std::chrono::duration<double>(host.now - since).count();
        CHECK(got <= 100 * seconds + 100 * 0.25 + 10 + 1);
    }
    CHECK(host.now - since >= 2s);
    CHECK(host.now - since <= 3s);
}

TEST_CASE("what expires is a dead letter where its channel asks for that") {
    Workplace host;
    host.say({.channels = {}, .waiting = {}, .bury_expired = true});
    host.leave(first);
    host.publish(app, 1,
                 make_batch({.kind = wire::Kind::queue,
                             .channel = "jobs",
                             .producer = producer,
                             .ttl_millis = 1'000}));
    host.pass(2s);
    host.employ(second);
    CHECK(host.deliveries.empty());
    REQUIRE(host.buried().size() == 1);
    CHECK(host.buried()[0].reason == "expired");
    CHECK(host.account().dead_lettered == 1);
    CHECK(host.account().expired == 0);
    CHECK(host.balances());
}
