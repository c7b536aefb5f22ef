// Threads that share one connection: what one waits for, another may receive.
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "bus/bus.h"
#include "stub_agent.h"
#include "support/sample_batch.h"

using namespace bus::client::test;
using namespace std::chrono_literals;
namespace wire = bus::wire;

namespace {

constexpr auto patience = std::chrono::milliseconds{patience_millis};

// A thread that takes one message of a consumer.
class Waiting {
  public:
    explicit Waiting(bus::Consumer& consumer)
        : thread_([this, &consumer] {
              if (auto delivery = consumer.next()) payload_ = delivery->payload();
          }) {}
    // What it got; empty: the consumer was closed.
    std::string result() {
        thread_.join();
        return payload_;
    }

  private:
    std::string payload_;
    std::thread thread_;
};

struct Sharing {
    Sharing() { agent->welcome(); }
    bus::Consumer subscribe(std::uint64_t& id) {
        auto consumer = app->subscribe("plant7.**", {.timeout = 0ms});
        id = agent->agree().id;
        return consumer;
    }
    static bool is_hello(std::string_view frame) {
        const auto command = wire::decode_command(frame);
        return command && std::holds_alternative<wire::Hello>(*command);
    }
    void deliver(std::string_view payload, std::uint64_t consumer, std::uint64_t tag = 1) {
        agent->deliver(bus::test::sample_batch({{payload}}),
                       {.number = tag, .messages = 1, .consumer = consumer});
    }

    const Runtime runtime;
    std::unique_ptr<StubAgent> agent = std::make_unique<StubAgent>(runtime);
    std::optional<bus::Connection> app{
        bus::ConnectOptions{.runtime = runtime.path(), .app = "story", .linger = 0ms}};
};

}  // namespace

TEST_CASE("a thread that waits for a delivery outlives its agent") {
    Sharing story;
    std::uint64_t id = 0;
    auto consumer = story.subscribe(id);
    story.deliver("first", id);
    CHECK(consumer.next_within(patience)->payload() == "first");
    Waiting waiting{consumer};
    SUBCASE("that was restarted") {
        story.agent.reset();
        story.agent = std::make_unique<StubAgent>(story.runtime);
    }
    SUBCASE("that begins anew") { story.agent->reply(wire::Reset{.reason = "who are you?"}); }
    while (!story.is_hello(story.agent->next_frame())) {
    }  // a verdict of the first attachment may come before
    story.agent->reply(wire::Welcome{.agent = bus::AgentId{{7, 7}},
                                     .name = "paris",
                                     .incarnation = 2,
                                     .taken = 0,
                                     .safe = 0,
                                     .window = 1 << 20});
    CHECK(story.agent->agree().id == id);
    story.deliver("second", id);
    CHECK(waiting.result() == "second");
}

TEST_CASE("while one thread waits for a delivery, another publishes and hears of its receipt") {
    Sharing story;
    std::uint64_t id = 0;
    auto consumer = story.subscribe(id);
    Waiting waiting{consumer};
    for (std::uint64_t number = 1; number <= 20; ++number) {
        const auto receipt = story.app->send("orders", "one");
        CHECK(story.agent->expect_batch().envelope.number == number);
        story.agent->receipts({.safe_through = number});
        CHECK(receipt.wait(patience) == bus::Outcome::reached);
    }
    story.deliver("at last", id);
    CHECK(waiting.result() == "at last");
}

TEST_CASE("of two threads that wait, each gets what is for it") {
    Sharing story;
    std::uint64_t ids[2] = {};
    auto first = story.subscribe(ids[0]), second = story.subscribe(ids[1]);
    Waiting one{first}, other{second};
    story.deliver("for the second", ids[1], 1);
    CHECK(other.result() == "for the second");
    story.deliver("for the first", ids[0], 2);
    CHECK(one.result() == "for the first");
}

TEST_CASE("the end of the connection ends the wait for a delivery") {
    Sharing story;
    std::uint64_t id = 0;
    auto consumer = story.subscribe(id);
    Waiting waiting{consumer};
    story.app.reset();
    CHECK(waiting.result().empty());
    CHECK(consumer.why() == "the connection was closed");
}

TEST_CASE("a forked child gets nothing that is the parent's") {
    Sharing story;
    std::uint64_t id = 0;
    auto consumer = story.subscribe(id);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(consumer.next().has_value() ? 1 : 0);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    story.deliver("the parent's", id);
    CHECK(consumer.next_within(patience)->payload() == "the parent's");
}

TEST_CASE("three threads share a connection and every message and verdict passes") {
    constexpr std::uint64_t each = 300;
    const Runtime runtime;
    StubAgent agent{runtime};
    bus::Connection app{{.runtime = runtime.path(), .linger = 0ms, .batch_messages_max = 1}};
    agent.welcome();
    auto consumer = app.subscribe("plant7.**", {.timeout = 0ms});
    const auto id = agent.agree().id;
    const auto publish = [&] {
        for (std::uint64_t i = 0; i < each; ++i) app.publish("plant7.temperature", "21.5");
    };
    std::uint64_t got = 0;
    std::thread one{publish}, other{publish}, consuming{[&] {
        for (; got < 2 * each; ++got)
            if (auto delivery = consumer.next_within(patience)) delivery->ack();
    }};
    // Whatever is published comes back.
    std::uint64_t acknowledged = 0;
    while (acknowledged < 2 * each) {
        const std::string frame = agent.next_frame();
        if (const auto acks = wire::decode_acks(bus::as_bytes(frame))) {
            for (const auto& ack : *acks) acknowledged += ack.count;
            continue;
        }
        const auto batch = wire::decode_envelope(bus::as_bytes(frame));
        REQUIRE(batch);
        agent.receipts({.safe_through = batch->envelope.number});
        agent.deliver(batch->batch,
                      {.number = batch->envelope.number, .messages = 1, .consumer = id});
    }
    one.join();
    other.join();
    consuming.join();
    CHECK(acknowledged == 2 * each);
    CHECK(app.flush(patience) == 0);
}
