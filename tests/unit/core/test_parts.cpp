#include "large.h"

namespace {

const SessionId first{2}, second{3};

Account account_of(const Host& host) {
    return host.exchange->status(host.now).groups.at(0).account;
}

// What has left memory comes back from the journal for it.
std::vector<SendBatch> all_deliveries(Host& host) {
    std::vector<SendBatch> all;
    for (int asked = 0; asked < 10; ++asked) {
        while (auto delivery = host.next_delivery()) all.push_back(std::move(*delivery));
        if (!all.empty()) break;
        host.recall();
    }
    return all;
}

void nack(Host& host, SessionId session, const SendBatch& delivery, std::uint32_t delay_millis) {
    const wire::Ack one{.tag = delivery.envelope.number,
                        .count = 1,
                        .verdict = wire::Verdict::nack,
                        .delay_millis = delay_millis};
    host.exchange->on_acks(session, {&one, 1}, host.now);
    host.turn();
}

std::vector<wire::Refused> refusals(const Host& host) {
    std::vector<wire::Refused> all;
    for (const auto& reply : host.replies)
        if (const auto* refused = std::get_if<wire::Refused>(&reply)) all.push_back(*refused);
    return all;
}

std::uint32_t index_of(const SendBatch& delivery) { return delivery.batch.header().part->index; }

}  // namespace

TEST_CASE("who reads part by part gets no more parts ahead than it asked for") {
    const Large message{.total = 8};
    Host host{"a", 1, {}};
    host.open(app, producer);
    read_by_parts(host, first, message, 2);
    message.publish(host, 0, 8);
    for (std::uint32_t next = 0; next < 8; next += 2) {
        const auto parts = all_deliveries(host);
        REQUIRE(parts.size() == 2);
        for (std::uint32_t i = 0; i < 2; ++i) {
            CHECK(index_of(parts[i]) == next + i);
            host.ack(first, parts[i]);
        }
    }
    CHECK(account_of(host).settled == 8);
    CHECK(host.balances());
}

TEST_CASE("a message that is read part by part settles with its last acknowledgement") {
    const Large message{.total = 3};
    Host host{"a", 1, {}};
    host.open(app, producer);
    read_by_parts(host, first, message, 10);
    message.publish(host, 0, 3);
    const auto parts = all_deliveries(host);
    REQUIRE(parts.size() == 3);
    host.ack(first, parts[0]);
    host.ack(first, parts[1]);
    CHECK(account_of(host).settled == 0);
    host.ack(first, parts[2]);
    CHECK(account_of(host).settled == 3);
}

TEST_CASE("one that reads slowly holds back nobody else's messages") {
    const Large message{.total = 6};
    Host host{"a", 1, {}};
    host.open(app, producer);
    read_by_parts(host, first, message, 1);
    message.publish(host, 0, 1);
    REQUIRE(all_deliveries(host).size() == 1);
    message.publish(host, 1, 6);  // it has no room for any of them
    host.publish(
        app, 7,
        make_batch(
            {.kind = wire::Kind::queue, .channel = "jobs", .producer = producer, .sequence = 7}));
    consume(host, second, message);
    const auto others = all_deliveries(host);
    REQUIRE(others.size() == 1);
    CHECK_FALSE(others.front().batch.header().part.has_value());
}

TEST_CASE("what it has no room for does not stand between it and the next part") {
    const Large message{.total = 3};
    Host host{"a", 1, {}};
    host.open(app, producer);
    auto command = message.subscription(1);
    command.parts = true;
    host.open(first);
    host.subscribe(first, command);
    message.publish(host, 0, 1);
    REQUIRE(all_deliveries(host).size() == 1);
    const ProducerId other{{8, 8}};
    host.open(second, other);
    for (std::uint64_t number = 1; number <= 5; ++number)
        host.publish(second, number,
                     make_batch({.kind = wire::Kind::queue,
                                 .channel = "jobs",
                                 .producer = other,
                                 .sequence = number}));
    const auto small = all_deliveries(host);
    REQUIRE(small.size() == 1);  // which it does not look at before it has read the large one
    message.publish(host, 1, 3);
    const auto parts = all_deliveries(host);
    REQUIRE(parts.size() == 2);
    CHECK(index_of(parts[0]) == 1);
    CHECK(index_of(parts[1]) == 2);
    host.ack(first, small[0]);
    CHECK(host.balances());
}

TEST_CASE("a nack of one part gives back the whole, and it comes again from the beginning") {
    const Large message{.total = 4};
    Host host{"a", 1, {}};
    host.open(app, producer);
    read_by_parts(host, first, message, 2);
    message.publish(host, 0, 3);
    auto parts = all_deliveries(host);
    REQUIRE(parts.size() == 2);
    host.ack(first, parts[0]);
    REQUIRE(all_deliveries(host).size() == 1);
    nack(host, first, parts[1], 500);
    message.publish(host, 3, 4);
    CHECK(all_deliveries(host).empty());
    host.pass(501ms);
    for (std::uint32_t next = 0; next < 4;) {
        parts = all_deliveries(host);
        REQUIRE_FALSE(parts.empty());
        for (const SendBatch& part : parts) {
            CHECK(index_of(part) == next++);
            CHECK(part.envelope.attempt == (next <= 3 ? 2 : 1));
            host.ack(first, part);
        }
    }
    CHECK(account_of(host).settled == 4);
    CHECK(host.balances());
}

TEST_CASE("a reject of one part makes a dead letter of all of them") {
    const Large message{.total = 4};
    Host host{"a", 1, {}};
    host.open(app, producer);
    read_by_parts(host, first, message, 2);
    message.publish(host, 0, 4);
    const auto parts = all_deliveries(host);
    REQUIRE(parts.size() == 2);
    host.ack(first, parts[0]);
    host.ack(first, parts[1], wire::Verdict::reject);
    CHECK(account_of(host).dead_lettered == 4);
    CHECK(account_of(host).waiting == 0);
    CHECK(host.balances());
}

TEST_CASE("who leaves in the middle of reading leaves the whole to another") {
    const Large message{.total = 5};
    Host host{"a", 1, {}};
    host.open(app, producer);
    read_by_parts(host, first, message, 2);
    message.publish(host, 0, 5);
    auto parts = all_deliveries(host);
    host.ack(first, parts[0]);
    static_cast<void>(all_deliveries(host));
    consume(host, second, message);
    host.leave(first);
    parts = all_deliveries(host);
    REQUIRE(parts.size() == 5);
    for (std::uint32_t i = 0; i < 5; ++i) CHECK(index_of(parts[i]) == i);
    for (const SendBatch& part : parts) host.ack(second, part);
    CHECK(account_of(host).settled == 5);
    CHECK(host.balances());
}

TEST_CASE("what waits for a slow reader needs no memory") {
    const Large message{.total = 200};
    Host host{"a", 1, {}};
    host.open(app, producer);
    read_by_parts(host, first, message, 1);
    message.publish(host, 0, 200);
    const auto before = host.exchange->status(host.now).memory_bytes;
    host.pass(100ms);  // beyond any grace: it is journaled
    CHECK(host.exchange->status(host.now).memory_bytes < before / 5);
}

TEST_CASE("a message beyond its channel's max_message is refused by name, one below is not") {
    const Large message{.total = 5};
    Host host{"a", 1, {}};
    auto settings = host.settings;
    settings.channels.push_back(
        {.channels = {.kind = std::nullopt, .filter = "jobs"}, .waiting = {}, .max_message = 19});
    host.exchange->reload(settings, host.now);
    host.open(app, producer);
    message.publish(host, 0, 5);
    REQUIRE(refusals(host).size() == 5);
    CHECK(refusals(host).front().code == wire::Reject::too_large);
    CHECK(refusals(host).front().reason ==
          "a message of 20 bytes, and jobs takes 19 (the channel's max_message)");
    settings.channels.front().max_message = 20;
    host.exchange->reload(settings, host.now);
    const auto none = refusals(host).size();
    for (std::uint32_t index = 0; index < 5; ++index)
        host.publish(app, 6 + index, message.part(index));
    CHECK(refusals(host).size() == none);
}

TEST_CASE("parts that are not safe at the far agent leave a part of the window to others") {
    const Large message{.total = 400, .bytes = limits::bulk_message_min / 400 + 1};
    TwoHosts hosts;
    consume(hosts.b, first, message);
    wire::Subscribe command;
    command.id = 1;
    command.kind = wire::Kind::queue;
    command.filter = "news";
    hosts.b.open(second);
    hosts.b.subscribe(second, command);
    hosts.connect();
    hosts.b.journal_answers = false;
    hosts.a.open(app, producer);
    message.publish(hosts.a, 0, 400);
    hosts.settle();
    const std::size_t parts = hosts.b.deliveries.size();
    CHECK(parts > 50);
    CHECK(parts < 300);
    hosts.a.publish(
        app, 401,
        make_batch(
            {.kind = wire::Kind::queue, .channel = "news", .producer = producer, .sequence = 401}));
    hosts.settle();
    REQUIRE(hosts.b.deliveries.size() == parts + 1);
    CHECK(hosts.b.deliveries.back().first == second);
    hosts.b.journal_answers = true;
    for (int turns = 0; turns < 20; ++turns) hosts.pass(50ms);  // beyond any grace
    CHECK(hosts.b.deliveries.size() == 401);
}

TEST_CASE("a message that is soon over leaves nothing of the window to others") {
    const Large message{.total = 400, .bytes = limits::bulk_message_min / 400};
    TwoHosts hosts;
    consume(hosts.b, first, message);
    hosts.connect();
    hosts.b.journal_answers = false;
    hosts.a.open(app, producer);
    message.publish(hosts.a, 0, 400);
    hosts.settle();
    CHECK(hosts.b.deliveries.size() > 300);
    hosts.b.journal_answers = true;
    for (int turns = 0; turns < 20; ++turns) hosts.pass(50ms);  // beyond any grace
    CHECK(hosts.b.deliveries.size() == 400);
}
