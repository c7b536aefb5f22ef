#include "producing.h"

using namespace bus;
using namespace bus::session;
using namespace bus::session::test;

TEST_CASE("safe comes with a record, which tells the destinations") {
    Producing app;
    app.welcome();
    static_cast<void>(app.with_receipt("a", 41));
    REQUIRE(app.take());
    app.session.on_receipts({.safe_through = 1, .records = {{.number = 1, .destinations = 3}}});
    const auto settled = app.session.take_settled();
    REQUIRE(settled.size() == 1);
    CHECK(settled[0].receipt == 41);
    CHECK(settled[0].outcome == Outcome::reached);
    CHECK(settled[0].destinations == 3u);
    CHECK(app.session.unsafe_messages() == 0);
}

TEST_CASE("safe by the cumulative mark alone leaves the destinations open") {
    Producing app;
    app.welcome();
    static_cast<void>(app.with_receipt("a", 41));
    REQUIRE(app.take());
    app.safe_through(1);
    CHECK_FALSE(app.session.take_settled().at(0).destinations);
}

TEST_CASE("arrived is asked for in the batch and awaited beyond safe") {
    Producing app;
    app.welcome();
    static_cast<void>(app.with_receipt("a", 1, wire::Stage::arrived));
    static_cast<void>(app.with_receipt("a", 2, wire::Stage::safe));
    const auto left = app.take();
    REQUIRE(left);
    CHECK((left->header.flags & wire::batch_flag::want_arrived) != 0);

    app.session.on_receipts({.safe_through = 1, .records = {{.number = 1, .destinations = 2}}});
    auto settled = app.session.take_settled();
    REQUIRE(settled.size() == 1);
    CHECK(settled[0].receipt == 2);
    CHECK(app.session.awaiting_arrival() == std::vector<wire::NumberRange>{{1, 1}});

    SUBCASE("it arrives") {
        app.session.on_receipts(
            {.safe_through = 1,
             .records = {{.number = 1, .stage = wire::Stage::arrived, .destinations = 2}}});
        settled = app.session.take_settled();
        REQUIRE(settled.size() == 1);
        CHECK(settled[0].receipt == 1);
        CHECK(settled[0].outcome == Outcome::reached);
        CHECK(settled[0].destinations == 2u);
    }
    SUBCASE("nobody can tell any more") {
        app.session.on_disconnected();
        app.welcome(6, 1, 1);
        CHECK(app.session.take_settled().empty());
        app.session.on_receipts(
            {.safe_through = 1,
             .records = {
                 {.number = 1, .stage = wire::Stage::arrived, .fate = wire::Fate::unknown}}});
        CHECK(app.session.take_settled().at(0).outcome == Outcome::unknown);
    }
    CHECK(app.session.awaiting_arrival().empty());
}

TEST_CASE("a message without destinations has arrived nowhere, at once") {
    Producing app;
    app.welcome();
    static_cast<void>(app.with_receipt("a", 1, wire::Stage::arrived));
    REQUIRE(app.take());
    app.session.on_receipts({.safe_through = 1, .records = {{.number = 1, .destinations = 0}}});
    const auto settled = app.session.take_settled();
    REQUIRE(settled.size() == 1);
    CHECK(settled[0].outcome == Outcome::reached);
    CHECK(settled[0].destinations == 0u);
}

TEST_CASE("one batch that cannot be committed does not hold back the receipts of others") {
    Producing app{1};
    app.welcome();
    for (std::uint64_t i = 1; i <= 3; ++i) {
        static_cast<void>(app.with_receipt("a", i));
        app.now += 1ms;
        REQUIRE(app.take());
    }
    app.session.on_receipts({.safe_through = 0, .records = {{.number = 2, .destinations = 1}}});
    CHECK(app.session.take_settled().at(0).receipt == 2);
    CHECK(app.session.unsafe_messages() == 2);
    app.session.on_disconnected();
    app.welcome(6);
    const auto again = app.take_all();
    REQUIRE(again.size() == 2);
    CHECK(again[1].envelope.number == 3);
    app.safe_through(3);
    CHECK(app.session.take_settled().size() == 2);
    CHECK(app.session.outbox_bytes() == 0);
}

TEST_CASE("a refusal ends a batch with its reason") {
    Producing app;
    app.welcome();
    static_cast<void>(app.with_receipt("a", 1));
    REQUIRE(app.take());
    app.session.on_refused({.number = 1, .code = wire::Reject::not_allowed, .reason = "a rule"});
    const auto settled = app.session.take_settled();
    REQUIRE(settled.size() == 1);
    CHECK(settled[0].outcome == Outcome::refused);
    CHECK(settled[0].reason == "a rule");
    const auto lost = app.session.take_undelivered();
    REQUIRE(lost.size() == 1);
    CHECK(look_into(lost[0].frame).payloads.at(0) == "m");
    CHECK(app.session.bytes_in_flight() == 0);
}

TEST_CASE("receipts for numbers that never left change nothing") {
    Producing app;
    app.welcome();
    static_cast<void>(app.with_receipt("a", 1));
    app.session.on_receipts({.safe_through = 0, .records = {{.number = 99}, {.number = 0}}});
    app.session.on_refused({.number = 7, .code = wire::Reject::limit, .reason = ""});
    CHECK(app.session.take_settled().empty());
    CHECK(app.session.unsafe_messages() == 1);
}

TEST_CASE("giving up tells what never left from what may have arrived") {
    Producing app{1};
    app.welcome();
    static_cast<void>(app.with_receipt("a", 1));
    REQUIRE(app.take());
    app.session.on_hold(channel("b"));
    static_cast<void>(app.with_receipt("b", 2));
    app.session.give_up("closed");
    const auto settled = app.session.take_settled();
    REQUIRE(settled.size() == 2);
    CHECK(settled[0].receipt == 2);
    CHECK(settled[0].outcome == Outcome::refused);
    CHECK(settled[1].outcome == Outcome::unknown);
    CHECK(app.session.outbox_bytes() == 0);
    CHECK(app.session.unsafe_messages() == 0);
}
