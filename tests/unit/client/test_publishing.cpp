#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <thread>

#include "bus/bus.h"
#include "stub_agent.h"

using namespace bus::client::test;
using namespace std::chrono_literals;
namespace wire = bus::wire;

namespace {

constexpr auto patience = std::chrono::milliseconds{patience_millis};

bus::ConnectOptions options(const Runtime& runtime) {
    return {.runtime = runtime.path(), .app = "story", .linger = 0ms};
}

}  // namespace

TEST_CASE("a connection says hello and a lone message leaves at once") {
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{options(runtime)};
    const auto hello = agent.welcome();
    CHECK(hello.app == "story");
    CHECK(hello.producer);
    app.publish("plant7.temperature", "21.5", {.content_type = "text/plain"});
    const auto batch = agent.expect_batch();
    CHECK(batch.payloads == std::vector<std::string>{"21.5"});
    CHECK(batch.header.channel == "plant7.temperature");
    CHECK(batch.header.kind == wire::Kind::topic);
    CHECK(batch.envelope.number == 1);
    CHECK(app.is_connected());
    agent.receipts({.safe_through = 1});
    CHECK(app.flush(patience) == 0);
}

TEST_CASE("best-effort messages that follow one another leave without another call") {
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{options(runtime)};
    agent.welcome();
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 50; ++i) app.publish("a", "m", {.best_effort = true});
        for (std::size_t came = 0; came < 50;) came += agent.expect_batch().payloads.size();
    }
}

TEST_CASE("an absent agent is waited for") {
    const Runtime runtime;
    bus::Connection app{options(runtime)};
    for (int i = 0; i < 10; ++i) app.publish("a", std::to_string(i));
    CHECK_FALSE(app.is_connected());
    CHECK(app.flush(0ms) == 10);
    StubAgent agent{runtime};
    agent.welcome();
    CHECK(agent.expect_batch().payloads.size() == 10);
    agent.receipts({.safe_through = 1});
    CHECK(app.flush(patience) == 0);
}

TEST_CASE("receipts tell how far it got and to how many") {
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{options(runtime)};
    agent.welcome();
    const auto safe = app.send("orders", "1");
    CHECK(agent.expect_batch().header.kind == wire::Kind::queue);
    CHECK(safe.now() == bus::Outcome::pending);
    CHECK(safe.wait(0ms) == bus::Outcome::pending);
    agent.receipts({.safe_through = 1, .records = {{.number = 1, .destinations = 2}}});
    CHECK(safe.wait(patience) == bus::Outcome::reached);
    CHECK(safe.destinations() == 2u);

    const auto arrived = app.queue("orders").send("2", {.stage = bus::Stage::arrived});
    CHECK((agent.expect_batch().header.flags & wire::batch_flag::want_arrived) != 0);
    std::promise<bus::Outcome> told;
    arrived.when_ready([&](bus::Outcome outcome) { told.set_value(outcome); });
    agent.receipts({.safe_through = 2,
                    .records = {{.number = 2, .destinations = 1},
                                {.number = 2, .stage = wire::Stage::arrived, .destinations = 1}}});
    CHECK(told.get_future().get() == bus::Outcome::reached);
}

TEST_CASE("where a destination is required, none is an outcome of its own") {
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{options(runtime)};
    agent.welcome();
    const auto send = [&](bus::Stage stage) {
        auto receipt = app.topic("news").send("x", {.stage = stage, .require_destination = true});
        static_cast<void>(agent.expect_batch());
        return receipt;
    };
    const auto unwanted = send(bus::Stage::safe);
    agent.receipts({.safe_through = 1, .records = {{.number = 1, .destinations = 0}}});
    CHECK(unwanted.wait(patience) == bus::Outcome::no_destination);
    CHECK(unwanted.reason() == "nobody wants it");
    const auto not_arrived = send(bus::Stage::arrived);
    agent.receipts({.safe_through = 2, .records = {{.number = 2, .destinations = 0}}});
    CHECK(not_arrived.wait(patience) == bus::Outcome::no_destination);
    const auto wanted = send(bus::Stage::safe);
    agent.receipts({.safe_through = 3, .records = {{.number = 3, .destinations = 1}}});
    CHECK(wanted.wait(patience) == bus::Outcome::reached);
    const auto untold = send(bus::Stage::safe);  // taken by an agent that was restarted since
    agent.receipts({.safe_through = 4});
    CHECK(untold.wait(patience) == bus::Outcome::unknown);
}

TEST_CASE("a priority is the lane of its batch") {
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{options(runtime)};
    agent.welcome();
    for (const auto& [priority, lane] : {std::pair{bus::Priority::high, wire::Lane::high},
                                         {bus::Priority::normal, wire::Lane::normal},
                                         {bus::Priority::low, wire::Lane::low}}) {
        app.publish("news", "x", {.priority = priority});
        const auto batch = agent.expect_batch();
        CHECK(batch.header.lane == lane);
        CHECK(batch.header.channel_sequence == 1);
    }
}

TEST_CASE("a producer with a name asks what was taken, and goes on behind it") {
    const Runtime runtime;
    StubAgent agent{runtime};
    auto how = options(runtime);
    how.producer = "billing-7";
    bus::Connection app{how};
    CHECK_FALSE(agent.welcome().producer);  // whose agent it is must be known first
    const auto topic = app.topic("news");
    CHECK(topic.try_publish("1", {.sequence = 1}) == bus::Offer::would_block);
    const auto hello = agent.welcome(1, 2, 2);
    CHECK(hello.producer);
    CHECK(hello.keep);
    const auto before = topic.send("2", {.sequence = 2});
    CHECK(before.wait(patience) == bus::Outcome::reached);
    CHECK(before.reason() == "published before");
    const auto after = topic.send("3", {.sequence = 3});
    const auto batch = agent.expect_batch();
    CHECK(batch.header.producer == *hello.producer);
    CHECK(batch.envelope.number == 3);
    CHECK_THROWS_AS(topic.publish("3", {.sequence = 3}), bus::Error);
    CHECK_THROWS_AS(topic.publish("4"), bus::Error);
    CHECK_THROWS_AS(topic.publish("4", {.sequence = 4, .priority = bus::Priority::high}),
                    bus::Error);
    CHECK_THROWS_AS(topic.publish(std::string(100'000, 'x'), {.sequence = 4}), bus::Error);
    agent.receipts({.safe_through = 3, .records = {{.number = 3, .destinations = 1}}});
    CHECK(after.wait(patience) == bus::Outcome::reached);
    CHECK(after.reason().empty());
}

TEST_CASE("a sequence is for producers with a name") {
    const Runtime runtime;
    bus::Connection app{options(runtime)};
    CHECK_THROWS_AS(app.publish("news", "x", {.sequence = 1}), bus::Error);
}

TEST_CASE("a refused message comes back with its reason") {
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{options(runtime)};
    agent.welcome();
    std::promise<std::string> told;
    app.on_undelivered([&](const bus::Message& message, std::string_view reason) {
        told.set_value(std::string{message.payload()} + ": " + std::string{reason});
    });
    const auto receipt = app.send("orders", "1");
    static_cast<void>(agent.expect_batch());
    agent.reply(wire::Refused{1, wire::Reject::not_allowed, "a rule forbids it"});
    CHECK(receipt.wait(patience) == bus::Outcome::refused);
    CHECK(receipt.reason() == "a rule forbids it");
    CHECK(told.get_future().get() == "1: a rule forbids it");
}

TEST_CASE("a restart of the agent is invisible: hello again, and what has no receipt again") {
    const Runtime runtime;
    auto agent = std::make_unique<StubAgent>(runtime);
    bus::Connection app{options(runtime)};
    const auto first = agent->welcome(1);
    const auto receipt = app.send("orders", "1");
    static_cast<void>(agent->expect_batch());
    agent.reset();
    app.publish("a", "meanwhile");
    agent = std::make_unique<StubAgent>(runtime);
    CHECK(agent->welcome(2).producer == first.producer);
    const auto again = agent->expect_batch();
    CHECK(again.envelope.number == 1);
    CHECK(again.envelope.resent());
    const auto next = agent->expect_batch();
    CHECK(next.payloads.at(0) == "meanwhile");
    CHECK(next.envelope.number ==
          2);  // flagged or not: it may have left before the end was noticed
    agent->receipts({.safe_through = 2});
    CHECK(receipt.wait(patience) == bus::Outcome::reached);
}

TEST_CASE("an agent that does not know the session is greeted again") {
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{options(runtime)};
    agent.welcome(1);
    app.publish("a", "1");
    static_cast<void>(agent.expect_batch());
    agent.reply(wire::Reset{"who are you?"});
    agent.welcome(1);
    const auto again = agent.expect_batch();
    CHECK(again.envelope.number == 1);
    CHECK_FALSE(again.envelope.resent());
}

TEST_CASE("nonsense from the agent harms nobody") {
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{options(runtime)};
    agent.welcome();
    for (const char* nonsense : {"", "{", "{}", "[1]", "{\"type\":\"welcome\"}", "\x01short",
                                 "\x02\x01", "\xff", "{\"type\":\"refused\",\"number\":-1}"})
        agent.send(nonsense);
    app.publish("a", "still here");
    CHECK(agent.expect_batch().payloads.at(0) == "still here");
    agent.receipts({.safe_through = 1});
    CHECK(app.flush(patience) == 0);
}

TEST_CASE("without room try_publish would block and publish says why it gave up") {
    const Runtime runtime;
    auto small = options(runtime);
    small.outbox_bytes = 512 * 1024;
    bus::Connection app{small};
    app.on_undelivered([](const bus::Message&, std::string_view) {});
    const std::string large(60'000, 'x');
    int taken = 0;
    while (app.try_publish("a", large) == bus::Offer::taken) ++taken;
    CHECK(taken == 8);
    CHECK_THROWS_AS(app.publish("a", large, {.timeout = 1ms}), bus::Error);
    CHECK_THROWS_AS(static_cast<void>(app.send("a", large, {.timeout = 1ms})), bus::Error);
    CHECK(app.try_publish("a", std::string(1'000'000, 'x')) == bus::Offer::too_large);

    StubAgent agent{runtime};
    agent.welcome();
    std::thread publisher{[&] { app.publish("a", large, {.timeout = patience}); }};
    for (std::uint64_t number = 1; number <= 9; ++number) {
        CHECK(agent.expect_batch().payloads.at(0).size() == large.size());
        agent.receipts({.safe_through = number});
    }
    publisher.join();
    CHECK(app.flush(patience) == 0);
}

TEST_CASE("a large message travels as parts through a small outbox") {
    const Runtime runtime;
    StubAgent agent{runtime};
    auto small = options(runtime);
    small.outbox_bytes = 512 * 1024;
    bus::Connection app{small};
    agent.welcome();
    std::string film(3'000'000, ' ');
    for (std::size_t i = 0; i < film.size(); ++i) film[i] = static_cast<char>(i * 7);
    bus::Receipt receipt;
    std::thread publisher{[&] { receipt = app.send("films", film, {.timeout = patience}); }};
    std::string joined;
    for (std::uint32_t index = 0; joined.size() < film.size(); ++index) {
        const auto part = agent.expect_batch();
        REQUIRE(part.header.part);
        CHECK(part.header.part->index == index);
        joined += part.payloads.at(0);
        agent.receipts({.safe_through = part.envelope.number});
    }
    publisher.join();
    CHECK(joined == film);
    CHECK(receipt.wait(patience) == bus::Outcome::reached);
}

TEST_CASE("what is left when a connection closes is told") {
    const Runtime runtime;
    std::vector<std::string> left;
    bus::Receipt receipt;
    {
        bus::Connection app{options(runtime)};
        app.on_undelivered([&](const bus::Message& message, std::string_view) {
            left.emplace_back(message.payload());
        });
        app.publish("a", "1");
        receipt = app.send("a", "2");
    }
    CHECK(left == std::vector<std::string>{"1", "2"});
    CHECK(receipt.now() == bus::Outcome::refused);
}

TEST_CASE("closing flushes, says goodbye, and ends everything") {
    const Runtime runtime;
    StubAgent agent{runtime};
    auto patient = options(runtime);
    patient.linger = patience;
    bus::Connection app{patient};
    agent.welcome();
    const auto channel = app.topic("a");
    channel.publish("1");
    std::thread closer{[&] { app.close(); }};
    static_cast<void>(agent.expect_batch());
    agent.receipts({.safe_through = 1});
    static_cast<void>(agent.expect<wire::Bye>());
    closer.join();
    CHECK(channel.try_publish("2") == bus::Offer::closed);
    CHECK_THROWS_AS(channel.publish("2"), bus::Error);
    CHECK_FALSE(app.is_connected());
}

TEST_CASE("a forked child finds the connection closed, the parent goes on") {
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{options(runtime)};
    agent.welcome();
    const pid_t child = ::fork();
    if (child == 0) {
        const bool closed = app.try_publish("a", "x") == bus::Offer::closed && app.flush(1s) == 0;
        app.close();
        ::_exit(closed ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    app.publish("a", "parent");
    CHECK(agent.expect_batch().payloads.at(0) == "parent");
}

TEST_CASE("mistakes are exceptions, never an abort") {
    const Runtime runtime;
    CHECK_THROWS_AS(bus::Connection({.runtime = std::string(200, 'x')}), bus::Error);
    CHECK_THROWS_AS(bus::Connection({.runtime = "/tmp", .app = "no spaces"}), bus::Error);
    CHECK_THROWS_AS(bus::Connection({.runtime = "/tmp", .outbox_bytes = 1}), bus::Error);
    bus::Connection app{options(runtime)};
    CHECK_THROWS_AS(app.topic("a..b"), bus::Error);
    CHECK_THROWS_AS(app.publish("not a name", "x"), bus::Error);
    CHECK_THROWS_AS(app.publish("a", "x", {.expires_in = -1s}), bus::Error);
    CHECK_THROWS_AS(app.publish("a", "x", {.key = std::string(9'000, 'k')}), bus::Error);
    const bus::Header unnamed[] = {{"", "x"}};
    CHECK_THROWS_AS(app.publish("a", "x", {.headers = unnamed}), bus::Error);
    for (const auto& delayed : {bus::PublishOptions{.deliver_after = -1ms},
                                bus::PublishOptions{.deliver_after = 24h * 367},
                                bus::PublishOptions{.best_effort = true, .deliver_after = 1s},
                                bus::PublishOptions{.expires_in = 1s, .deliver_after = 1s}})
        CHECK_THROWS_AS(app.publish("a", "x", delayed), bus::Error);
    const std::string large(60'000, 'x');
    CHECK_THROWS_AS(app.publish("a", large, {.deliver_after = 1s}), bus::Error);
    CHECK_THROWS_AS(
        static_cast<void>(app.send("a", "x", {.stage = bus::Stage::arrived, .deliver_after = 1s})),
        bus::Error);
    CHECK_THROWS_AS(static_cast<void>(app.subscribe("a.**.b")), bus::Error);
    CHECK_THROWS_AS(static_cast<void>(app.receive("a.*")), bus::Error);
    CHECK_THROWS_AS(static_cast<void>(app.control("[]", 1ms)), bus::Error);
}

TEST_CASE("tools ask the admin socket") {
    const Runtime runtime;
    StubAgent admin{runtime, "admin.sock"};
    bus::Connection app{options(runtime)};
    auto answer = std::async(std::launch::async,
                             [&] { return app.control(R"({"request":"status"})", patience); });
    const auto request = admin.expect<wire::AdminRequest>();
    CHECK(request.request == "status");
    admin.reply(wire::AdminReply{R"({"type":"admin","id":1,"name":"paris"})"});
    const auto text = answer.get();
    REQUIRE(text);
    CHECK(text->find("paris") != std::string::npos);
}
