// Dead letters go on to a queue where their channel says so: once, with their reason, and never in
// a circle.
#include "core/channel_policy.h"
#include "core/forwarding.h"

#include "graveyard.h"
#include "stories.h"

namespace {

using Act = DeadLetterRequest::Act;
const SessionId undertaker{9};

ChannelSettings rule(const std::string& filter, const std::string& queue,
                     std::optional<wire::Kind> kind = std::nullopt) {
    return {.channels = {kind, filter}, .waiting = {}, .dead_letter_to = queue};
}
void receive(Host& host, SessionId session, const std::string& queue) {
    host.open(session);
    wire::Subscribe command;
    command.id = 1;
    command.kind = wire::Kind::queue;
    command.filter = queue;
    host.subscribe(session, command);
}
// Its reader rejects what comes on the queue "news"; the undertaker receives from "news.dead".
struct Forwarder : Host {
    Forwarder() : Host{"a", 1, {}} {
        settings.channels = {rule("news", "news.dead")};
        core::test::subscribe(*this, wire::Kind::queue);
        receive(*this, undertaker, "news.dead");
        open(app, producer);
    }
    void apply() {
        exchange->reload(settings, now);
        dead.settle();
    }
    void reject(std::uint64_t sequence, std::uint32_t messages = 1, std::size_t payload = 5) {
        publish(app, sequence,
                make_batch({.kind = wire::Kind::queue,
                            .channel = "news",
                            .producer = producer,
                            .sequence = sequence,
                            .messages = messages,
                            .payload = payload}));
        for (auto& [to, delivery] : std::exchange(deliveries, {})) {
            if (to == reader)
                ack(reader, delivery, wire::Verdict::reject);
            else
                deliveries.emplace_back(to, delivery);
        }
        dead.settle();
    }
    // The messages that came on that session, each with its value of that header.
    Texts received(const std::string& key, bool mark = false) {
        Texts found;
        while (!deliveries.empty()) {
            const auto [to, delivery] = deliveries.front();
            deliveries.pop_front();
            const Bytes body = delivery.batch.body().subspan(
                delivery.body_begin, delivery.body_end - delivery.body_begin);
            wire::MessageWalk walk{body, delivery.batch.header().sequence + delivery.envelope.first,
                                   wire::MessageWalk::Check::checksum};
            while (const auto message = walk.next()) {
                CHECK(message->intact);
                const auto value = wire::find_header(message->headers, key);
                found.push_back(std::string{value.value_or("none")} +
                                (mark && delivery.envelope.redelivered() ? "*" : ""));
            }
            ack(to, delivery);
        }
        return found;
    }
    Graveyard dead{*this};
};

}  // namespace

TEST_CASE("the closest of several settings decides where it goes") {
    ChannelPolicies policies;
    policies.replace({rule("**", "all"), rule("a.**", "some"), rule("a.b", "one"),
                      rule("a.b", "one.queue", wire::Kind::queue)});
    const auto queue_for = [&](const char* name, wire::Kind kind = wire::Kind::topic) {
        return policies.of(kind, name).dead_letter_to;
    };
    CHECK(queue_for("a.b") == "one");
    CHECK(queue_for("a.b", wire::Kind::queue) == "one.queue");
    CHECK(queue_for("a.c.d") == "some");
    CHECK(queue_for("x") == "all");
    Forwarding forwarding{producer};
    CHECK(forwarding.replace({rule("a", "b"), {.channels = {std::nullopt, "c"}, .waiting = {}}}));
    CHECK(forwarding.channels().size() == 1);
    CHECK_FALSE(forwarding.replace({rule("a", "b")}));
    CHECK(forwarding.replace({}));
    CHECK_FALSE(forwarding.is_wanted());
}

TEST_CASE("what dies goes on to the queue, with its reason and its history") {
    Forwarder host;
    host.apply();
    host.reject(7);
    CHECK(host.dead.letters().empty());
    REQUIRE(host.deliveries.size() == 1);
    const SendBatch delivery = host.deliveries.front().second;
    CHECK(host.deliveries.front().first == undertaker);
    CHECK(delivery.batch.header().channel == "news.dead");
    CHECK(delivery.batch.header().producer != producer);
    CHECK_FALSE(delivery.envelope.redelivered());
    wire::MessageWalk walk{delivery.batch.body(), delivery.batch.header().sequence,
                           wire::MessageWalk::Check::checksum};
    const auto message = walk.next();
    REQUIRE(message);
    CHECK(message->intact);
    CHECK(as_text(message->payload) == "xxxxx");
    const auto header = [&](const char* key) {
        return std::string{wire::find_header(message->headers, key).value_or("none")};
    };
    CHECK(header("x-dead-reason") == "rejected by its consumer");
    CHECK(header("x-dead-channel") == "news");
    CHECK(header("x-dead-id") == to_text(producer) + "/7");
    CHECK(header("x-dead-time").size() == 13);
    CHECK(header("x-dead-attempts") == "1");
    CHECK(host.balances());
}

TEST_CASE("they are numbered like those of any producer, over several batches where one is full") {
    Forwarder host;
    host.apply();
    host.reject(1, 600, 90);
    host.reject(601);
    std::uint64_t next = 1;
    for (const auto& [to, delivery] : host.deliveries) {
        CHECK(delivery.batch.header().sequence == next);
        CHECK(delivery.batch.header().channel_sequence == next);
        next += delivery.envelope.messages;
    }
    CHECK(next == 602);
    const Texts ids = host.received("x-dead-id");
    CHECK(ids.front() == to_text(producer) + "/1");
    CHECK(ids.back() == to_text(producer) + "/601");
    CHECK(host.dead.letters().empty());
    CHECK(host.balances());
}

TEST_CASE("a dead letter of a dead letter's queue stays") {
    Forwarder host;
    host.settings.channels = {rule("**", "news.dead")};
    host.apply();
    host.reject(1);
    // Handed to the undertaker, who rejects it as well.
    while (const auto delivery = host.next_delivery())
        host.ack(undertaker, *delivery, wire::Verdict::reject);
    host.dead.settle();
    CHECK(host.deliveries.empty());
    REQUIRE(host.dead.letters().size() == 1);
    CHECK(host.dead.letters().begin()->second.channel.name == "news.dead");
}

TEST_CASE("what finds no room for the headers stays") {
    Forwarder host;
    host.apply();
    host.reject(1, 1, wire::message_bytes_in_batch_max - 20);
    CHECK(host.deliveries.empty());
    CHECK(host.dead.letters().size() == 1);
}

TEST_CASE(
    "those that lie there already go as well, marked if an earlier start may have sent them") {
    Forwarder host;
    host.settings.channels.clear();
    host.apply();
    host.reject(1);
    CHECK(host.dead.letters().size() == 1);
    SUBCASE("once it is told so") {
        host.settings.channels = {rule("news", "news.dead")};
        host.apply();
        CHECK(host.received("x-dead-channel", true) == Texts{"news"});
        CHECK(host.dead.letters().empty());
    }
    SUBCASE("after a start") {
        Recovered before;
        before.space.dead_letters = 1;
        before.space.last_dead_letter = DeadLetterId{1};
        Host next{"a", 1, {}, before, 2'000};
        next.settings.channels = {rule("news", "news.dead")};
        Graveyard dead{next};
        dead.add(host.dead.letters().begin()->second);
        receive(next, undertaker, "news.dead");
        next.space = before.space;
        next.exchange->reload(next.settings, next.now);
        dead.settle();
        REQUIRE(next.deliveries.size() == 1);
        CHECK(next.deliveries.front().second.envelope.redelivered());
        CHECK(dead.letters().empty());
    }
    SUBCASE("after a start, to another agent as well") {
        Recovered before;
        before.space.dead_letters = 1;
        before.space.last_dead_letter = DeadLetterId{1};
        Host next{"a", 1, {peer("b")}, before, 2'000};
        Host other{"b", 2, {peer("a")}};
        receive(other, undertaker, "news.dead");
        const auto settle = [&] {
            next.turn();
            other.turn();
            while (TwoHosts::carry(next, other) || TwoHosts::carry(other, next)) {
            }
        };
        next.exchange->on_link_up(LinkId{1}, "key-b", true, next.now);
        other.exchange->on_link_up(LinkId{1}, "key-a", false, other.now);
        settle();
        next.settings.channels = {rule("news", "news.dead")};
        Graveyard dead{next};
        dead.add(host.dead.letters().begin()->second);
        next.space = before.space;
        next.exchange->reload(next.settings, next.now);
        dead.settle();
        settle();
        REQUIRE(other.deliveries.size() == 1);
        CHECK(other.deliveries.front().second.envelope.redelivered());
    }
}

TEST_CASE("on a full journal they wait where they are") {
    Forwarder host;
    host.apply();
    host.leave(undertaker);
    host.publish(
        app, 1,
        make_batch(
            {.kind = wire::Kind::queue, .channel = "news", .producer = producer, .sequence = 1}));
    const auto delivery = host.next_delivery();
    REQUIRE(delivery);
    host.journal_answers = false;
    host.publish(app, 2,
                 make_batch({.kind = wire::Kind::queue,
                             .channel = "elsewhere",
                             .producer = producer,
                             .sequence = 2}));
    REQUIRE(host.unanswered.size() == 1);
    host.space.full = true;
    host.exchange->on_journal(
        Failed{host.unanswered.front().number, Failed::Cause::full, "full", host.space}, host.now);
    host.transactions.pop_back();
    host.unanswered.clear();
    host.journal_answers = true;
    host.ack(reader, *delivery, wire::Verdict::reject);
    host.dead.settle();
    CHECK(host.dead.letters().size() == 1);
    host.space.full = false;
    host.pass(1s);
    host.dead.settle();
    host.pass(1s);
    host.dead.settle();
    CHECK(host.dead.letters().empty());
    CHECK(host.balances());
}
