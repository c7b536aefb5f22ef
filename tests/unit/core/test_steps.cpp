// What becomes of a batch is told step by step while somebody looks on.
#include "network.h"
#include "stories.h"

namespace {

using Kind = Event::Kind;

Batch job(std::uint64_t sequence, std::uint32_t count = 1) {
    return make_batch({.kind = wire::Kind::queue,
                       .channel = "jobs",
                       .producer = producer,
                       .sequence = sequence,
                       .messages = count});
}

// A host whose steps are kept.
struct Overlooked : Host {
    explicit Overlooked(std::size_t room = 100) : Host{"a", 1, {}} {
        exchange->show_steps(room);
        open(app, producer);
        wire::Subscribe receive;
        receive.id = 1;
        receive.kind = wire::Kind::queue;
        receive.filter = "jobs";
        open(reader);
        subscribe(reader, receive);
        steps.clear();
    }
    std::vector<Kind> kinds() {
        std::vector<Kind> found;
        for (const Event& step : std::exchange(steps, {})) found.push_back(step.kind);
        return found;
    }
};

}  // namespace

TEST_CASE("taken, handed out, acknowledged, safe: each step is told with the app it is about") {
    Overlooked host;
    host.publish(app, 1, job(1, 3));
    REQUIRE(host.steps.size() == 2);
    CHECK(host.steps[0].kind == Kind::batch_taken);
    CHECK(host.steps[0].subject == "test (uid 1000)");
    CHECK(host.steps[1].kind == Kind::batch_handed_out);
    CHECK(host.steps[1].messages == 3);
    CHECK(host.steps[1].batch.header().channel == "jobs");
    host.steps.clear();
    const auto delivery = host.next_delivery();
    REQUIRE(delivery.has_value());
    host.ack(reader, *delivery);
    CHECK(host.kinds() == std::vector{Kind::batch_acknowledged, Kind::batch_safe});
}

TEST_CASE("what comes again and what dies is told") {
    Overlooked host;
    host.publish(app, 1, job(1));
    host.steps.clear();
    host.ack(reader, *host.next_delivery(), wire::Verdict::nack);
    CHECK(host.kinds() == std::vector{Kind::batch_given_back, Kind::batch_redelivered});
    host.ack(reader, *host.next_delivery(), wire::Verdict::reject);
    const auto kinds = host.kinds();
    CHECK(std::ranges::count(kinds, Kind::batch_dead_lettered) == 1);
}

TEST_CASE("a neighbour's steps bear its name") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1]);
    net.settle();
    net[0].open(app, producer);
    net[0].exchange->show_steps(100);
    net[0].publish(app, 1, make_batch({.channel = "news", .producer = producer}));
    net.settle();
    CHECK(read(net[1]).size() == 1);
    net.settle();
    const auto told = [&](Kind kind) {
        Texts subjects;
        for (const Event& step : net[0].steps)
            if (step.kind == kind) subjects.push_back(step.subject);
        return subjects;
    };
    CHECK(told(Kind::batch_taken) == Texts{"test (uid 1000)"});
    CHECK(told(Kind::batch_sent) == Texts{"1"});
    CHECK(told(Kind::batch_arrived) == Texts{"1"});
    CHECK(told(Kind::batch_safe) == Texts{""});
}

TEST_CASE("what has no room is counted, and without an onlooker nothing is") {
    Overlooked host{1};
    host.publish(app, 1, job(1));
    CHECK(host.steps.size() == 1);
    CHECK(host.steps_missed == 1);
    host.exchange->show_steps(std::nullopt);
    host.publish(app, 2, job(2));
    CHECK(host.steps.size() == 1);
    CHECK(host.steps_missed == 1);
}
