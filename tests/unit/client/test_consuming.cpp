#include <poll.h>

#include <memory>
#include <thread>

#include "bus/bus.h"
#include "stub_agent.h"
#include "support/sample_batch.h"

using namespace bus::client::test;
using namespace std::chrono_literals;
using bus::test::sample_batch;
namespace wire = bus::wire;

namespace {

constexpr auto patience = std::chrono::milliseconds{patience_millis};

struct Consuming {
    Consuming() : app({.runtime = runtime.path(), .app = "story", .linger = 0ms}) {
        agent = std::make_unique<StubAgent>(runtime);
        agent->welcome();
    }
    // Subscribes without waiting, and lets the agent agree.
    bus::Consumer subscribe(bus::SubscribeOptions options = {}) {
        options.timeout = 0ms;
        auto consumer = app.subscribe("plant7.**", options);
        id = agent->agree().id;
        return consumer;
    }
    void deliver(const std::vector<bus::test::SampleMessage>& messages, std::uint64_t tag,
                 std::uint16_t flags = 0, wire::BatchHeader header = bus::test::sample_header()) {
        agent->deliver(sample_batch(messages, header),
                       {.flags = flags,
                        .number = tag,
                        .messages = static_cast<std::uint32_t>(messages.size()),
                        .consumer = id});
    }

    const Runtime runtime;
    std::unique_ptr<StubAgent> agent;
    bus::Connection app;
    std::uint64_t id = 0;
};

}  // namespace

TEST_CASE("a subscriber gets messages and its acknowledgements go back as one range") {
    Consuming story;
    auto consumer = story.subscribe({.durable = "alarms"});
    story.deliver({{"1"}, {"2"}, {"3"}}, 41);
    for (const char* expected : {"1", "2", "3"}) {
        auto delivery = consumer.next_within(patience);
        REQUIRE(delivery);
        CHECK(delivery->payload() == expected);
        CHECK(delivery->message().channel() == "plant7.temperature");
        CHECK(delivery->attempt() == 1);
        CHECK_FALSE(delivery->redelivered());
        CHECK(delivery->ack() == bus::Ack::given);
    }
    std::uint32_t acknowledged = 0;
    while (acknowledged < 3)
        for (const auto& ack : story.agent->expect_acks()) {
            CHECK(ack.tag == 41);
            CHECK(ack.first == acknowledged);
            acknowledged += ack.count;
        }
    CHECK(acknowledged == 3);
}

TEST_CASE("fetch goes from one batch into the next, and ends where it was told to") {
    Consuming story;
    auto consumer = story.subscribe();
    story.deliver({{"1"}, {"2"}}, 41);
    story.deliver({{"3"}, {"4"}}, 42);
    story.deliver({{"5"}}, 43);
    std::string seen;
    for (const std::size_t in_all : {3u, 5u}) {
        while (seen.size() < in_all) {
            auto deliveries = consumer.fetch(in_all - seen.size(), patience);
            REQUIRE_FALSE(deliveries.empty());
            for (auto& delivery : deliveries) {
                seen += delivery.payload();
                CHECK(delivery.ack() == bus::Ack::given);
            }
        }
        CHECK(seen == std::string{"12345"}.substr(0, in_all));
    }
    CHECK(consumer.fetch(10, 0ms).empty());
}

TEST_CASE("an undecided delivery is given back, a rejected one says why") {
    Consuming story;
    auto consumer = story.subscribe();
    story.deliver({{"1"}}, 1);
    { const auto forgotten = consumer.next_within(patience); }
    CHECK(story.agent->expect_acks().at(0).verdict == wire::Verdict::nack);
    story.deliver({{"2"}}, 2);
    consumer.next_within(patience)->reject("unreadable");
    const auto rejected = story.agent->expect_acks().at(0);
    CHECK(rejected.verdict == wire::Verdict::reject);
    CHECK(rejected.reason == "unreadable");
    story.deliver({{"3"}}, 3);
    consumer.next_within(patience)->nack(250ms);
    CHECK(story.agent->expect_acks().at(0).delay_millis == 250);
}

// The socket's thread is busy with what still comes, and is told to stop when it next looks.
TEST_CASE("what is acknowledged in the last moment reaches the agent before the goodbye") {
    for (int round = 0; round < 20; ++round) {
        Consuming story;
        auto consumer = story.subscribe();
        pollfd there{.fd = consumer.fd(), .events = POLLIN, .revents = 0};
        REQUIRE(consumer.fetch(1, 0ms).empty());  // from here on the descriptor tells
        for (std::uint64_t tag = 1; tag <= 2'000; ++tag) story.deliver({{"x"}}, tag);
        REQUIRE(::poll(&there, 1, patience_millis) == 1);
        auto deliveries = consumer.fetch(5, 0ms);
        for (auto& delivery : deliveries) CHECK(delivery.ack() == bus::Ack::given);
        story.app.close();
        std::size_t acknowledged = 0;
        for (auto frame = story.agent->next_frame(); frame != R"({"type":"bye"})";
             frame = story.agent->next_frame()) {
            const auto acks = wire::decode_acks(bus::as_bytes(frame));
            if (!acks) continue;  // the end of the subscription
            for (const auto& ack : *acks) acknowledged += ack.count;
        }
        CHECK(acknowledged == deliveries.size());
    }
}

TEST_CASE("a damaged message is rejected by libbus itself") {
    Consuming story;
    auto consumer = story.subscribe();
    auto batch = sample_batch({{"good"}, {"evil"}});
    batch.back() ^= std::byte{1};
    story.agent->deliver(batch, {.number = 5, .messages = 2, .consumer = story.id});
    auto delivery = consumer.next_within(patience);
    REQUIRE(delivery);
    CHECK(delivery->payload() == "good");
    delivery->ack();
    CHECK_FALSE(consumer.next_within(0ms));
    bool rejected = false;
    for (int seen = 0; seen < 2;)
        for (const auto& ack : story.agent->expect_acks()) {
            rejected = rejected || (ack.verdict == wire::Verdict::reject && ack.first == 1);
            ++seen;
        }
    CHECK(rejected);
}

TEST_CASE("an agent's restart: subscribed again, old deliveries void, late acks stale") {
    Consuming story;
    auto consumer = story.subscribe({.durable = "alarms"});
    story.deliver({{"1"}, {"2"}}, 1);
    auto held = consumer.next_within(patience);
    REQUIRE(held);
    story.agent.reset();
    story.agent = std::make_unique<StubAgent>(story.runtime);
    story.agent->welcome(2);
    CHECK(story.agent->agree().durable == "alarms");
    CHECK(held->ack() == bus::Ack::stale);
    CHECK(held->payload() == "1");
    story.deliver({{"1"}, {"2"}}, 1, wire::envelope_flag::redelivered);
    auto again = consumer.next_within(patience);
    REQUIRE(again);
    CHECK(again->payload() == "1");
    CHECK(again->redelivered());
    CHECK(again->ack() == bus::Ack::given);
}

TEST_CASE("a gap is told with the message behind it") {
    Consuming story;
    auto consumer = story.subscribe();
    auto header = bus::test::sample_header();
    story.deliver({{"1"}}, 1, 0, header);
    header.sequence = header.channel_sequence = 5;
    story.deliver({{"5"}}, 2, 0, header);
    CHECK(consumer.next_within(patience)->missed() == 0);
    CHECK(consumer.next_within(patience)->missed() == 3);
}

TEST_CASE("a refused subscription throws its reason, or ends the consumer that did not wait") {
    Consuming story;
    std::thread agent{[&] {
        const auto wish = story.agent->expect<wire::Subscribe>();
        story.agent->reply(wire::Failed{wish.id, wire::Reject::not_allowed, "a rule forbids it"});
    }};
    CHECK_THROWS_WITH_AS(static_cast<void>(story.app.subscribe("a", {.timeout = patience})),
                         doctest::Contains("a rule forbids it"), bus::Error);
    agent.join();
    static_cast<void>(story.agent->expect<wire::Unsubscribe>());

    auto consumer = story.app.subscribe("b", {.timeout = 0ms});
    const auto wish = story.agent->expect<wire::Subscribe>();
    story.agent->reply(wire::Failed{wish.id, wire::Reject::limit, "too many"});
    CHECK_FALSE(consumer.next());
    CHECK(consumer.why() == "too many");
}

TEST_CASE("closing a consumer wakes its thread and unsubscribes once all is decided") {
    Consuming story;
    auto consumer = story.subscribe({.durable = "alarms"});
    story.deliver({{"1"}, {"2"}}, 1);
    auto held = consumer.next_within(patience);
    REQUIRE(held);
    consumer.close();
    CHECK_FALSE(consumer.next());
    CHECK_FALSE(consumer.is_open());
    CHECK(held->ack() == bus::Ack::given);
    CHECK(story.agent->expect_acks().at(0).tag == 1);
    CHECK_FALSE(story.agent->expect<wire::Unsubscribe>().forget);
}

TEST_CASE("a thread that waits is woken by closing from another") {
    Consuming story;
    auto consumer = story.subscribe();
    std::optional<bool> got;
    std::thread waiting{[&] { got = consumer.next().has_value(); }};
    consumer.close();
    waiting.join();
    CHECK(got == false);
}

TEST_CASE("forgetting ends a durable subscription for good") {
    Consuming story;
    auto consumer = story.subscribe({.durable = "alarms"});
    consumer.forget();
    CHECK(story.agent->expect<wire::Unsubscribe>().forget);
}

TEST_CASE("an event loop sees messages through a descriptor") {
    Consuming story;
    auto consumer = story.subscribe();
    pollfd item{.fd = consumer.fd(), .events = POLLIN, .revents = 0};
    CHECK_FALSE(consumer.next_within(0ms));
    REQUIRE(::poll(&item, 1, 0) == 0);
    story.deliver({{"1"}, {"2"}}, 1);
    REQUIRE(::poll(&item, 1, patience_millis) == 1);
    CHECK(consumer.fetch(10, 0ms).size() == 2);
    CHECK_FALSE(consumer.next_within(0ms));
    CHECK(::poll(&item, 1, 0) == 0);
}

TEST_CASE("a range-for ends when the consumer closes") {
    Consuming story;
    auto consumer = story.subscribe();
    story.deliver({{"1"}, {"2"}}, 1);
    std::string all;
    for (bus::Delivery delivery : consumer) {
        all += delivery.payload();
        delivery.ack();
        if (all.size() == 2) consumer.close();
    }
    CHECK(all == "12");
}

TEST_CASE("an unfinished batch's acknowledgement does not wait for the rest") {
    Consuming story;
    auto consumer = story.subscribe();
    story.deliver({{"1"}, {"2"}}, 1);
    auto first = consumer.next_within(patience);
    REQUIRE(first);
    first->ack();
    const auto acks = story.agent->expect_acks();
    CHECK(acks.at(0).count == 1);
}

TEST_CASE("what is declared stands and is nothing to consume from") {
    Consuming story;
    std::thread declaring{
        [&] { story.app.declare("plant7.**", {.durable = "alarms", .timeout = patience}); }};
    const auto asked = story.agent->agree();
    declaring.join();
    CHECK(asked.declare);
    CHECK(asked.durable == "alarms");
    CHECK(asked.filter == "plant7.**");
    story.agent->reply(wire::Reset{"it was restarted"});
    story.agent->welcome(2);
    auto consumer = story.subscribe();  // nothing is said of the other again
    CHECK(consumer.is_open());
    CHECK_THROWS_AS(story.app.declare("a..b", {.durable = "alarms"}), bus::Error);
    CHECK_THROWS_AS(story.app.declare("a", {}), bus::Error);
}

TEST_CASE("a declaration that the agent refuses is an error with its reason") {
    Consuming story;
    std::string why;
    std::thread declaring{[&] {
        try {
            story.app.declare("plant7.**", {.durable = "alarms", .timeout = patience});
        } catch (const bus::Error& error) {
            why = error.what();
        }
    }};
    const auto asked = story.agent->expect<wire::Subscribe>();
    story.agent->reply(wire::Failed{asked.id, wire::Reject::in_use, "it has another filter"});
    declaring.join();
    CHECK(why.find("it has another filter") != std::string::npos);
}

TEST_CASE("a subscription that its operator removes ends, and says why") {
    Consuming story;
    auto consumer = story.subscribe({.durable = "alarms"});
    story.deliver({{"one"}}, 1);
    const auto first = consumer.next_within(patience);
    REQUIRE(first);
    story.agent->reply(wire::Failed{story.id, wire::Reject::not_found, "it was removed"});
    CHECK_FALSE(consumer.next_within(patience));
    CHECK_FALSE(consumer.is_open());
    CHECK(consumer.why() == "it was removed");
    story.agent->reply(wire::Reset{"it was restarted"});
    story.agent->welcome(2);
    CHECK(story.subscribe().is_open());  // and it is not asked for again
}

TEST_CASE("a consumer hears what it will never get") {
    Consuming story;
    auto consumer = story.subscribe({.durable = "alarms"});
    CHECK_FALSE(consumer.take_gap());
    wire::Gap lost{.id = story.id,
                   .reason = wire::Gap::Reason::lapsed,
                   .channel = "plant7.a",
                   .messages = 2,
                   .from_micros = 5,
                   .to_micros = 6,
                   .untold = 7,
                   .total = 70};
    story.agent->reply(lost);
    lost.channel = "plant7.b";
    lost.untold = 1;
    lost.total = 71;
    story.agent->reply(lost);
    lost.id = story.id + 1;  // nobody's
    story.agent->reply(lost);
    story.deliver({{"one"}}, 1);
    REQUIRE(consumer.next_within(patience));
    const auto gap = consumer.take_gap();
    REQUIRE(gap);
    CHECK(gap->reason == bus::Gap::Reason::lapsed);
    CHECK(to_text(gap->reason) == "lapsed");
    CHECK(gap->channel == "plant7.b");
    CHECK(gap->messages == 2);
    CHECK(gap->from_micros == 5);
    CHECK(gap->to_micros == 6);
    CHECK(gap->untold == 8);  // of both
    CHECK(gap->total == 71);
    CHECK_FALSE(consumer.take_gap());
}

TEST_CASE("who waits for messages by poll is woken by a gap") {
    Consuming story;
    auto consumer = story.subscribe({.durable = "alarms"});
    pollfd item{.fd = consumer.fd(), .events = POLLIN, .revents = 0};
    CHECK_FALSE(consumer.next_within(0ms));
    story.agent->reply(wire::Gap{.id = story.id, .messages = 1, .untold = 1, .total = 1});
    REQUIRE(::poll(&item, 1, patience_millis) == 1);
    CHECK(consumer.take_gap());
}
