#include "producing.h"
#include "session/unpacker.h"

using namespace bus;
using namespace bus::session;
using namespace bus::session::test;

TEST_CASE("a delay closes the batch, and leaves with what is left of it") {
    Producing app;
    app.welcome();
    REQUIRE(app.offer("a", "now") == Offer::taken);
    REQUIRE(app.offer("a", "later", {.delay_millis = 5'000}) == Offer::taken);
    REQUIRE(app.offer("a", "later too", {.delay_millis = 5'000}) == Offer::taken);
    REQUIRE(app.offer("a", "much later", {.delay_millis = 60'000}) == Offer::taken);
    app.now += 2s;
    const auto left = app.take_all();
    REQUIRE(left.size() == 3);
    CHECK_FALSE(left[0].header.is_delayed());
    CHECK(left[0].envelope.delay_millis == 0);
    CHECK(left[1].header.is_delayed());
    CHECK(left[1].payloads == std::vector<std::string>{"later", "later too"});
    // Never less than what is left of the last that may have joined.
    CHECK(left[1].envelope.delay_millis >= 3'000);
    CHECK(left[1].envelope.delay_millis <= 3'002);
    CHECK(left[2].envelope.delay_millis >= 58'000);
}

TEST_CASE("the delayed have a channel sequence of their own") {
    Producing app;
    app.welcome();
    for (const std::uint64_t delay : {0, 1'000, 0, 2'000, 0})
        REQUIRE(app.offer("a", "m", {.delay_millis = delay}) == Offer::taken);
    app.now += 10ms;
    std::vector<std::uint64_t> plain, delayed;
    for (const auto& left : app.take_all())
        (left.header.is_delayed() ? delayed : plain).push_back(left.header.channel_sequence);
    CHECK(plain == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(delayed == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("what is sent again after its time carries no delay any more") {
    Producing app;
    app.welcome();
    REQUIRE(app.offer("a", "m", {.delay_millis = 1'000}) == Offer::taken);
    app.now += 10ms;
    REQUIRE(app.take());
    app.session.on_disconnected();
    app.now += 5s;
    app.welcome(6);
    const auto again = app.take();
    REQUIRE(again);
    CHECK(again->envelope.resent());
    CHECK(again->envelope.delay_millis == 0);
    CHECK(again->header.is_delayed());
}

TEST_CASE("a delayed message is no gap, neither before nor when it comes") {
    Producing app;
    app.welcome();
    for (const std::uint64_t delay : {0, 1'000, 0, 0})
        REQUIRE(app.offer("a", "m", {.delay_millis = delay}) == Offer::taken);
    app.now += 10ms;
    auto left = app.take_all();
    REQUIRE(left.size() == 3);
    std::swap(left[1], left[2]);  // the delayed one comes last
    Unpacker unpacker;
    for (auto& one : left) {
        auto envelope = one.envelope;
        envelope.attempt = 1;
        wire::encode_envelope(envelope, one.frame.data());
        REQUIRE(unpacker.begin(one.frame.bytes()));
        while (const auto received = unpacker.next()) {
            CHECK(received->missed == 0);
            CHECK_FALSE(received->redelivered);
        }
    }
}
