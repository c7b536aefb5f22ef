#include "producing.h"

using namespace bus;
using namespace bus::session;
using namespace bus::session::test;

TEST_CASE("a held channel waits in order while the others flow") {
    Producing app{1};
    app.welcome();
    app.session.on_hold(channel("a"));
    for (const char* text : {"1", "2"}) static_cast<void>(app.offer("a", text));
    static_cast<void>(app.offer("b", "3"));
    static_cast<void>(app.offer("a", "4"));
    static_cast<void>(app.offer("c", "5"));
    app.now += 1ms;
    auto flowing = app.take_all();
    REQUIRE(flowing.size() == 2);
    CHECK(flowing[0].header.channel == "b");
    CHECK(flowing[1].header.channel == "c");

    app.session.on_resume(channel("a"));
    const auto resumed = app.take_all();
    REQUIRE(resumed.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(resumed[i].header.channel_sequence == i + 1);
        CHECK(resumed[i].envelope.number == i + 3);
    }
}

TEST_CASE("HOLD catches what already stands in line, by filter and in every kind") {
    Producing app{1};
    static_cast<void>(app.offer("plant.a", "1"));
    static_cast<void>(app.offer("plant.b", "2", {.kind = wire::Kind::queue}));
    static_cast<void>(app.offer("office", "3"));
    app.welcome(5, 0, 0, 1 << 20, {{.kind = std::nullopt, .filter = "plant.*", .reason = ""}});
    app.now += 1ms;
    const auto all = app.take_all();
    REQUIRE(all.size() == 1);
    CHECK(all[0].header.channel == "office");
}

TEST_CASE("a new welcome replaces the list of holds") {
    Producing app{1};
    app.welcome();
    app.session.on_hold(channel("a"));
    static_cast<void>(app.offer("a", "1"));
    CHECK_FALSE(app.take());
    app.session.on_disconnected();
    app.welcome(5);
    CHECK(app.take());
}

TEST_CASE("HOLD spares what has left: it is sent again first") {
    Producing app{1};
    app.welcome(5);
    static_cast<void>(app.offer("a", "1"));
    REQUIRE(app.take());
    static_cast<void>(app.offer("a", "2"));
    app.session.on_disconnected();
    app.welcome(6, 0, 0, 1 << 20, channel("a"));
    const auto all = app.take_all();
    REQUIRE(all.size() == 1);
    CHECK(all[0].payloads.at(0) == "1");
}

TEST_CASE("a held channel takes its share of the outbox and no more") {
    Producing app;
    app.welcome(5, 0, 0, 1 << 20, channel("a"));
    const std::string large(60'000, 'x');
    int taken = 0;
    while (app.offer("a", large) == Offer::taken) ++taken;
    CHECK(taken == 4);
    CHECK(app.offer("b", large) == Offer::taken);
    REQUIRE(app.take());
    app.session.on_resume(channel("a"));
    CHECK(app.offer("a", large) == Offer::taken);
}

TEST_CASE("what is held expires") {
    Producing app;
    app.welcome(5, 0, 0, 1 << 20, channel("a"));
    static_cast<void>(app.offer("a", "1", {.ttl_millis = 5}));
    app.now += 6ms;
    app.session.advance(app.now);
    CHECK(app.session.take_undelivered().size() == 1);
    CHECK(app.session.outbox_bytes() == 0);
    CHECK(app.session.next_deadline() == never);
}
