#include <algorithm>

#include "producing.h"

using namespace bus;
using namespace bus::session;
using namespace bus::session::test;

TEST_CASE("a lone message leaves at once") {
    Producing app;
    app.welcome();
    REQUIRE(app.offer("plant", "21.5") == Offer::taken);
    CHECK(app.session.is_ready());
    const auto left = app.take();
    REQUIRE(left);
    CHECK(left->payloads == std::vector<std::string>{"21.5"});
    CHECK(left->envelope.number == 1);
    CHECK(left->envelope.messages == 1);
    CHECK(left->header.sequence == 1);
    CHECK(left->header.channel_sequence == 1);
    CHECK(left->header.created_micros == 77);
    CHECK_FALSE(app.take());
}

TEST_CASE("while a batch is on its way more messages join the next") {
    Producing app;
    app.welcome();
    static_cast<void>(app.offer("plant", std::string(2 * limits::trickle_bytes, 'x')));
    REQUIRE(app.take());
    for (const char* text : {"1", "2", "3"}) REQUIRE(app.offer("plant", text) == Offer::taken);
    CHECK_FALSE(app.session.is_ready());
    CHECK_FALSE(app.take());

    app.safe_through(1);
    const auto left = app.take();
    REQUIRE(left);
    CHECK(left->payloads == std::vector<std::string>{"1", "2", "3"});
    CHECK(left->header.sequence == 2);
    CHECK(left->envelope.number == 2);
}

TEST_CASE("a trickle leaves message by message, whatever is on its way") {
    Producing app;
    app.welcome();
    for (int i = 0; i < 5; ++i) {
        static_cast<void>(app.offer("plant", "21.5"));
        const auto left = app.take();
        REQUIRE(left);
        CHECK(left->envelope.messages == 1);
    }
}

TEST_CASE("a batch that waits for company leaves after its patience") {
    Producing app;
    app.welcome();
    static_cast<void>(app.offer("plant", std::string(2 * limits::trickle_bytes, 'x')));
    REQUIRE(app.take());
    static_cast<void>(app.offer("plant", "x"));
    CHECK(app.session.next_deadline() == start + limits::batch_age_max);
    app.now = start + limits::batch_age_max;
    CHECK(app.take());
}

TEST_CASE("batches grow until they are as large as what is on its way") {
    Producing app;
    app.welcome();
    std::vector<std::size_t> sizes;
    for (int i = 0; i < 2'000; ++i) {
        static_cast<void>(app.offer("plant", "0123456789"));
        if (const auto left = app.take()) sizes.push_back(left->payloads.size());
    }
    REQUIRE(sizes.size() > 3);
    CHECK(sizes.size() < 40);
    CHECK(sizes.back() > 100);
    CHECK(std::is_sorted(sizes.begin(), sizes.end()));
}

TEST_CASE("a batch closes when channel, kind, mode, lane or lifetime change") {
    Producing app;
    static_cast<void>(app.offer("a", "1"));
    static_cast<void>(app.offer("a", "2"));
    static_cast<void>(app.offer("b", "3"));
    static_cast<void>(app.offer("b", "4", {.kind = wire::Kind::queue}));
    static_cast<void>(app.offer("b", "5", {.kind = wire::Kind::queue, .lane = wire::Lane::high}));
    static_cast<void>(app.offer("b", "6", {.ttl_millis = 1000}));
    static_cast<void>(app.offer("b", "7", {.mode = wire::Mode::best_effort}));
    app.welcome();
    app.now += limits::batch_age_max;
    const auto all = app.take_all();
    REQUIRE(all.size() == 6);
    CHECK(all[0].header.lane == wire::Lane::high);
    CHECK(all[1].payloads.size() == 2);
    CHECK(all[4].header.ttl_millis == 1000);
    CHECK(all[4].envelope.lifetime_millis == 999);
    CHECK(all[5].envelope.number == 0);
    for (std::uint64_t i = 0; i < 5; ++i) CHECK(all[i].envelope.number == i + 1);
}

TEST_CASE("a batch closes at 64 KiB of body") {
    Producing app;
    const std::string kilobyte(1024, 'x');
    for (int i = 0; i < 100; ++i) REQUIRE(app.offer("a", kilobyte) == Offer::taken);
    app.welcome();
    const auto first = app.take();
    REQUIRE(first);
    CHECK(first->payloads.size() == 63);
    CHECK(first->header.body_length <= wire::batch_body_bytes_max);
}

TEST_CASE("the number of messages in a batch can be limited") {
    Producing app{1};
    app.welcome();
    for (int i = 0; i < 3; ++i) static_cast<void>(app.offer("a", "x"));
    const auto all = app.take_all();
    REQUIRE(all.size() >= 2);
    for (const auto& left : all) CHECK(left.payloads.size() == 1);
}

TEST_CASE("channel sequences count per channel and lane, across batches") {
    Producing app{1};
    app.welcome();
    for (const char* name : {"a", "b", "a"}) {
        static_cast<void>(app.offer(name, "x"));
        app.now += 1ms;
    }
    const auto all = app.take_all();
    REQUIRE(all.size() == 3);
    CHECK(all[0].header.channel_sequence == 1);
    CHECK(all[1].header.channel_sequence == 1);
    CHECK(all[2].header.channel_sequence == 2);
    CHECK(all[2].header.sequence == 3);
}

TEST_CASE("a full outbox holds the publisher back, and takes again when there is room") {
    Producing app;
    const std::string large(60'000, 'x');
    int taken = 0;
    while (app.offer("a", large) == Offer::taken) ++taken;
    CHECK(taken == 8);
    CHECK(app.offer("b", large) == Offer::would_block);
    app.welcome();
    REQUIRE(app.take());
    CHECK(app.offer("a", large) == Offer::would_block);
    app.safe_through(1);
    CHECK(app.offer("a", large) == Offer::taken);
    CHECK(app.session.unsafe_messages() == 8);
}

TEST_CASE("names that are none are told apart from fullness") {
    Producing app;
    CHECK(app.offer("a b", "x") == Offer::bad_name);
    CHECK(app.offer("$bus.x", "x") == Offer::bad_name);
    CHECK(app.offer("a", std::string(70'000, 'x')) == Offer::too_large);
}

TEST_CASE("a steady stream takes no memory from the heap for its frames") {
    Producing app;
    app.welcome();
    std::uint64_t number = 0;
    const auto round = [&] {
        for (int i = 0; i < 500; ++i) REQUIRE(app.offer("a", "0123456789") == Offer::taken);
        while (app.take()) ++number;
        app.safe_through(number);
        app.now += 1ms;
    };
    for (int i = 0; i < 10; ++i) round();
    const auto before = app.pool.allocations();
    for (int i = 0; i < 100; ++i) round();
    CHECK(app.pool.allocations() == before);
}

// ---- Best effort, which nobody acknowledges --------------------------------------------------

TEST_CASE("a best-effort message leaves at once, those that follow closely together") {
    Producing app;
    app.welcome();
    const auto offer = [&] {
        return app.offer("plant", "0123456789", {.mode = wire::Mode::best_effort});
    };
    REQUIRE(offer() == Offer::taken);
    CHECK(app.session.is_ready());
    REQUIRE(app.take());
    for (int i = 0; i < 100; ++i) REQUIRE(offer() == Offer::taken);
    CHECK_FALSE(app.session.is_ready());
    CHECK_FALSE(app.take());
    CHECK(app.session.next_deadline() == app.now + limits::loose_pause);
    app.now += limits::loose_pause;
    const auto together = app.take();
    REQUIRE(together);
    CHECK(together->payloads.size() == 100);
    app.now += limits::loose_pause;
    REQUIRE(offer() == Offer::taken);
    CHECK(app.session.is_ready());
    CHECK(app.take());
}

TEST_CASE("what joins an open best-effort batch brings nothing nearer") {
    Producing app;
    app.welcome();
    const Outgoing message{
        .channel = "plant", .mode = wire::Mode::best_effort, .payload = as_bytes("0123456789")};
    CHECK_FALSE(app.session.join(message));
    REQUIRE(app.session.offer(message, {app.now, 7}) == Offer::taken);
    REQUIRE(app.take());
    CHECK_FALSE(app.session.join(message));
    REQUIRE(app.session.offer(message, {app.now, 7}) == Offer::taken);
    const auto due = app.session.next_deadline();
    std::size_t joined = 0;
    for (; app.session.join(message); ++joined) {
        CHECK_FALSE(app.session.is_ready());
        CHECK(app.session.next_deadline() == due);
    }
    REQUIRE(app.session.offer(message, {app.now, 7}) == Offer::taken);  // the batch was full
    CHECK(app.session.is_ready());
    const auto full = app.take();
    REQUIRE(full);
    CHECK(full->payloads.size() == joined + 1);
}

TEST_CASE("what has a lifetime does not join without a look at the clock") {
    Producing app;
    app.welcome();
    const Outgoing message{.channel = "plant", .ttl_millis = 1'000};
    REQUIRE(app.session.offer(message, {app.now, 7}) == Offer::taken);
    CHECK_FALSE(app.session.join(message));
    CHECK(app.session.offer(message, {app.now, 7}) == Offer::taken);
}

TEST_CASE("a full best-effort batch waits for nothing") {
    Producing app;
    app.welcome();
    const std::string kilobyte(1024, 'x');
    for (int i = 0; i < 200; ++i)
        REQUIRE(app.offer("plant", kilobyte, {.mode = wire::Mode::best_effort}) == Offer::taken);
    const auto all = app.take_all();
    CHECK(all.size() == 3);
    for (const auto& left : all) CHECK(left.payloads.size() == 63);
}

TEST_CASE("best effort waits when the socket holds much, and looks again soon") {
    Producing app;
    app.welcome();
    const std::string large(30'000, 'x');
    std::vector<Left> held;
    while (app.offer("plant", large, {.mode = wire::Mode::best_effort}) == Offer::taken)
        while (auto left = app.take()) held.push_back(std::move(*left));
    std::size_t bytes = 0;
    for (const auto& left : held) bytes += left.frame.bytes().size();
    CHECK(bytes <= limits::loose_bytes_max);
    CHECK(bytes > limits::loose_bytes_max / 2);
    CHECK_FALSE(app.session.is_ready());
    CHECK(app.session.next_deadline() <= app.now + limits::batch_age_max);
    held.clear();
    app.now += limits::batch_age_max;
    CHECK(app.take());
}

TEST_CASE("best effort does not use up the window of guaranteed messages") {
    Producing app;
    app.welcome(5, 0, 0, 200);
    std::vector<Left> held;
    for (int i = 0; i < 20; ++i) {
        static_cast<void>(app.offer("plant", "0123456789", {.mode = wire::Mode::best_effort}));
        if (auto left = app.take()) held.push_back(std::move(*left));
    }
    REQUIRE(app.offer("orders", "1", {.kind = wire::Kind::queue}) == Offer::taken);
    app.now += limits::batch_age_max;
    const auto left = app.take_all();
    REQUIRE_FALSE(left.empty());
    CHECK(left.back().header.guaranteed());
}
