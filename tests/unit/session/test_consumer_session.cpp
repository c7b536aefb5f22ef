#include <doctest/doctest.h>

#include "session/consumer_session.h"

using namespace bus;
using session::ConsumerSession;
using Standing = ConsumerSession::Standing;

namespace {
constexpr Time now{std::chrono::seconds{5}};
template <class Command>
const Command& only(const std::vector<wire::Command>& commands) {
    REQUIRE(commands.size() == 1);
    REQUIRE(std::holds_alternative<Command>(commands[0]));
    return std::get<Command>(commands[0]);
}
}  // namespace

TEST_CASE(
    "a subscription is asked for as soon as there is an agent, and again after each reconnect") {
    ConsumerSession session;
    const auto id = session.subscribe({.filter = "plant.**", .durable = "alarms"});
    CHECK(session.take_commands().empty());
    session.on_welcome();
    CHECK(only<wire::Subscribe>(session.take_commands()).id == id);
    session.on_subscribed({id});
    CHECK(session.standing(id) == Standing::standing);
    session.on_disconnected();
    session.on_welcome();
    CHECK(session.standing(id) == Standing::asked);
    CHECK(only<wire::Subscribe>(session.take_commands()).durable == "alarms");
}

TEST_CASE("a refusal ends a new subscription and says why") {
    ConsumerSession session;
    session.on_welcome();
    const auto id = session.subscribe({.filter = "secret"});
    REQUIRE(session.take_commands().size() == 1);
    CHECK(session.on_failed({id, wire::Reject::not_allowed, "a rule forbids it"}, now));
    CHECK(session.standing(id) == Standing::refused);
    CHECK(session.reason(id) == "a rule forbids it");
    session.on_disconnected();
    session.on_welcome();
    CHECK(session.take_commands().empty());
    CHECK_FALSE(session.on_failed({99, wire::Reject::limit, ""}, now));
}

TEST_CASE("one that stood before and is refused for now is asked for again") {
    ConsumerSession session;
    session.on_welcome();
    const auto id = session.subscribe({.filter = "a", .durable = "d"});
    session.on_subscribed({id});
    session.on_disconnected();
    session.on_welcome();
    static_cast<void>(session.take_commands());
    CHECK(session.on_failed({id, wire::Reject::in_use, "its old session lives"}, now));
    CHECK(session.standing(id) == Standing::asked);
    session.advance(now);
    CHECK(session.take_commands().empty());
    const auto later = session.next_deadline();
    CHECK(later == now + session::limits::resubscribe_after);
    session.advance(later);
    CHECK(only<wire::Subscribe>(session.take_commands()).id == id);
    CHECK(session.next_deadline() == never);
}

TEST_CASE("a subscription to be forgotten is forgotten even when the agent was away") {
    ConsumerSession session;
    session.on_welcome();
    const auto id = session.subscribe({.filter = "a", .durable = "d"});
    session.on_disconnected();
    session.unsubscribe(id, true);
    session.on_welcome();
    const auto commands = session.take_commands();
    REQUIRE(commands.size() == 2);
    CHECK(std::get<wire::Subscribe>(commands[0]).id == id);
    CHECK(std::get<wire::Unsubscribe>(commands[1]).forget);
    session.on_unsubscribed({id});
    session.on_disconnected();
    session.on_welcome();
    CHECK(session.take_commands().empty());
    CHECK(session.standing(id) == Standing::ended);
}

TEST_CASE("late acknowledgements of an older epoch count for nothing") {
    ConsumerSession session;
    session.on_welcome();
    const auto epoch = session.epoch();
    CHECK(session.rule(epoch, {.tag = 1, .first = 0, .count = 1}));
    session.on_disconnected();
    CHECK_FALSE(session.rule(epoch, {.tag = 2, .first = 0, .count = 1}));
    CHECK_FALSE(session.rule(session.epoch(), {.tag = 2, .first = 0, .count = 1}));
    session.on_welcome();
    CHECK(session.take_acks().empty());
    CHECK_FALSE(session.rule(epoch, {.tag = 3, .first = 0, .count = 1}));
    CHECK(session.rule(session.epoch(), {.tag = 4, .first = 0, .count = 1}));
    const auto frames = session.take_acks();
    REQUIRE(frames.size() == 1);
    CHECK(wire::decode_acks(frames[0])->at(0).tag == 4);
}
