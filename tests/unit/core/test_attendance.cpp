// What waits where nobody consumes it is told of.
#include "network.h"
#include "stories.h"

namespace {

Batch job(std::uint64_t sequence, const std::string& queue = "orders") {
    return make_batch({.kind = wire::Kind::queue,
                       .channel = queue,
                       .producer = producer,
                       .sequence = sequence,
                       .channel_sequence = 1});
}

void receive(Host& host, const std::string& queue = "orders") {
    host.open(reader);
    host.subscribe(reader, {.id = 1, .kind = wire::Kind::queue, .filter = queue});
}

std::vector<std::string> told(Host& host, Event::Kind kind) {
    std::vector<std::string> words;
    for (const Event& event : host.events)
        if (event.kind == kind) words.push_back(event.subject + ": " + event.words);
    return words;
}

}  // namespace

TEST_CASE("a queue that nobody consumes for a minute is told of once, and when somebody comes") {
    TwoHosts pair;
    pair.connect();
    pair.a.open(app, producer);
    pair.a.publish(app, 1, job(1));
    pair.pass(30s);
    CHECK(told(pair.a, Event::Kind::queue_unattended).empty());
    for (int minute = 0; minute < 5; ++minute) pair.pass(1min);
    CHECK(told(pair.a, Event::Kind::queue_unattended) ==
          std::vector<std::string>{"orders: 1 message waits here, and nobody takes it, neither "
                                   "here nor at an agent within reach"});
    const auto status = pair.a.exchange->status(pair.a.now);
    REQUIRE(status.groups.size() == 1);
    CHECK(status.groups[0].unattended_millis >= 60'000);
    receive(pair.b);
    pair.settle();
    pair.pass(2s);
    CHECK(told(pair.a, Event::Kind::queue_attended) ==
          std::vector<std::string>{"orders: somebody consumes it now"});
    CHECK(!pair.a.exchange->status(pair.a.now).groups[0].unattended_millis);
}

TEST_CASE("a name that looks like a slip is told of at once, with the queue that was meant") {
    TwoHosts pair;
    pair.connect();
    receive(pair.b);
    pair.settle();
    pair.a.open(app, producer);
    pair.a.publish(app, 1, job(1, "ordres"));
    pair.pass(2s);
    const auto words = told(pair.a, Event::Kind::queue_unattended);
    REQUIRE(words.size() == 1);
    CHECK(words[0].ends_with("; did you mean \"orders\"?"));
    const auto route = pair.a.exchange->diagnose_route(wire::Kind::queue, "ordres", pair.a.now);
    REQUIRE(route.notes.size() == 1);
    CHECK(route.notes[0] == "nobody consumes a queue ordres; did you mean \"orders\"?");
}

TEST_CASE("a queue that has had consumers is no slip") {
    TwoHosts pair;
    pair.connect();
    receive(pair.b);
    receive(pair.a, "ordres");
    pair.settle();
    pair.a.pass(2s);
    pair.a.leave(reader);
    pair.pass(40s);
    pair.a.open(app, producer);
    pair.a.publish(app, 1, job(1, "ordres"));
    pair.pass(5s);
    CHECK(told(pair.a, Event::Kind::queue_unattended).empty());
}

TEST_CASE("a host whose consumers are behind is given no more until they have caught up") {
    TwoHosts pair;
    pair.connect();
    pair.b.open(reader);
    pair.b.subscribe(
        reader, {.id = 1, .kind = wire::Kind::queue, .filter = "orders", .prefetch_messages = 1});
    pair.settle();
    pair.a.open(app, producer);
    const auto publish = [&](std::uint64_t number) {
        pair.a.publish(app, number,
                       make_batch({.kind = wire::Kind::queue,
                                   .channel = "orders",
                                   .producer = producer,
                                   .sequence = number}));
        pair.settle();
    };
    const auto waiting = [](Host& host) {
        return host.exchange->status(host.now).groups.at(0).waiting_messages;
    };
    publish(1);
    publish(2);
    CHECK(waiting(pair.b) == 2);
    for (int second = 0; second < 7; ++second) pair.pass(1s);
    publish(3);
    CHECK(waiting(pair.a) == 1);
    CHECK(waiting(pair.b) == 2);
    CHECK(read(pair.b) == Sequences{1, 2});
    pair.settle();
    for (int second = 0; second < 2; ++second) pair.pass(1s);
    CHECK(read(pair.b) == Sequences{3});
    pair.settle();
    CHECK(waiting(pair.a) == 0);
    CHECK(pair.a.balances());
    CHECK(pair.b.balances());
}
