#include "producing.h"

using namespace bus;
using namespace bus::session;
using namespace bus::session::test;

namespace {
// Three batches have left for incarnation 5 of the agent.
Producing& three_left(Producing& app) {
    app.welcome(5);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(app.offer("a", std::to_string(i)) == Offer::taken);
        app.now += 1ms;
        REQUIRE(app.take());
    }
    return app;
}
}  // namespace

TEST_CASE(
    "after a reconnect to the same agent only what it has not taken is sent again, unflagged") {
    Producing app{1};
    three_left(app);
    app.session.on_disconnected();
    CHECK_FALSE(app.take());
    app.welcome(5, 1, 0);
    const auto again = app.take_all();
    REQUIRE(again.size() == 2);
    CHECK(again[0].envelope.number == 2);
    CHECK(again[1].envelope.number == 3);
    CHECK_FALSE(again[0].envelope.resent());
    CHECK(app.session.unsafe_messages() == 3);
}

TEST_CASE("an agent that was restarted gets what it has not safe, flagged, in number order") {
    Producing app{1};
    three_left(app);
    app.session.on_disconnected();
    static_cast<void>(app.offer("a", "later"));
    app.now += 1ms;
    app.welcome(6, 1, 1);
    CHECK(app.session.unsafe_messages() == 3);
    const auto again = app.take_all();
    REQUIRE(again.size() == 3);
    CHECK(again[0].envelope.number == 2);
    CHECK(again[0].envelope.resent());
    CHECK(again[1].envelope.resent());
    CHECK(again[2].envelope.number == 4);
    CHECK_FALSE(again[2].envelope.resent());
}

TEST_CASE("the flag stays on a second retry, to whatever incarnation") {
    Producing app{1};
    three_left(app);
    for (const std::uint64_t incarnation : {6, 7, 7}) {
        app.session.on_disconnected();
        app.welcome(incarnation);
        for (const auto& left : app.take_all()) CHECK(left.envelope.resent());
    }
}

TEST_CASE("a resend does not write into a frame that the socket still holds") {
    Producing app{1};
    app.welcome(5);
    static_cast<void>(app.offer("a", "x"));
    const auto first = app.take();
    app.session.on_disconnected();
    app.welcome(6);
    const auto again = app.take();
    REQUIRE(again);
    CHECK(again->envelope.resent());
    CHECK_FALSE(look_into(first->frame).envelope.resent());
}

TEST_CASE("what the agent has taken but not safe counts against the window") {
    Producing app{1};
    three_left(app);
    const auto in_flight = app.session.bytes_in_flight();
    app.session.on_disconnected();
    app.welcome(5, 3, 0);
    CHECK(app.session.bytes_in_flight() == in_flight);
    CHECK(app.take_all().empty());
    app.safe_through(3);
    CHECK(app.session.bytes_in_flight() == 0);
    CHECK(app.session.outbox_bytes() == 0);
}

TEST_CASE("a smaller window after a reconnect is kept, and nothing overtakes the resend") {
    Producing app{1};
    three_left(app);
    app.session.on_disconnected();
    static_cast<void>(app.offer("b", "new"));
    app.welcome(6, 0, 0, 1);
    CHECK(app.take_all().size() == 1);
    for (std::uint64_t number = 1; number <= 3; ++number) {
        app.safe_through(number);
        const auto next = app.take_all();
        REQUIRE(next.size() == 1);
        CHECK(next[0].envelope.number == number + 1);
    }
}

TEST_CASE("a window holds back what does not fit") {
    Producing app;
    app.welcome(5, 0, 0, 100'000);
    const std::string large(50'000, 'x');
    for (int i = 0; i < 4; ++i) static_cast<void>(app.offer("a", large));
    CHECK(app.take_all().size() == 1);
    CHECK_FALSE(app.session.is_ready());
    app.safe_through(1);
    CHECK(app.take_all().size() == 1);
}

TEST_CASE("what never left expires and says so; holes in the sequence remain") {
    Producing app;
    REQUIRE(app.offer("a", "short-lived", {.ttl_millis = 10, .receipt = 9}) == Offer::taken);
    REQUIRE(app.offer("a", "long-lived") == Offer::taken);
    app.now += 20ms;
    CHECK(app.session.next_deadline() <= app.now);
    app.session.advance(app.now);
    const auto settled = app.session.take_settled();
    REQUIRE(settled.size() == 1);
    CHECK(settled[0].receipt == 9);
    CHECK(settled[0].outcome == Outcome::expired);
    CHECK(app.session.take_undelivered().size() == 1);
    app.welcome();
    const auto all = app.take_all();
    REQUIRE(all.size() == 1);
    CHECK(all[0].header.sequence == 2);
    CHECK(all[0].envelope.number == 1);
}

TEST_CASE("what has left expires only when the agent says it was not taken") {
    Producing app;
    app.welcome(5);
    REQUIRE(app.offer("a", "x", {.ttl_millis = 10, .receipt = 1}) == Offer::taken);
    REQUIRE(app.take());
    app.now += 1s;
    app.session.advance(app.now);
    CHECK(app.session.take_settled().empty());

    SUBCASE("the same agent knows: expired") {
        app.session.on_disconnected();
        app.welcome(5);
        CHECK_FALSE(app.take());
        CHECK(app.session.take_settled().at(0).outcome == Outcome::expired);
    }
    SUBCASE("one that was restarted cannot know: unknown") {
        app.session.on_disconnected();
        app.welcome(6);
        CHECK_FALSE(app.take());
        CHECK(app.session.take_settled().at(0).outcome == Outcome::unknown);
    }
    CHECK(app.session.outbox_bytes() == 0);
    CHECK(app.session.unsafe_messages() == 0);
}
