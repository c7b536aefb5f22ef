#include <algorithm>

#include "producing.h"
#include "session/gap_watch.h"

using namespace bus;
using namespace bus::session;
using namespace bus::session::test;
using wire::Lane;

namespace {

std::string texts(const std::vector<Left>& all) {
    std::string joined;
    for (const auto& left : all)
        for (const auto& payload : left.payloads) joined += payload + " ";
    return joined;
}

std::vector<Lane> lanes(const std::vector<Left>& all) {
    std::vector<Lane> found;
    for (const auto& left : all) found.push_back(left.header.lane);
    return found;
}

}  // namespace

TEST_CASE("a high message overtakes low ones that wait, on its own channel too") {
    Producing app{1};
    for (const char* text : {"1", "2", "3"})
        static_cast<void>(app.offer("plant", text, {.lane = Lane::low}));
    static_cast<void>(app.offer("plant", "urgent", {.lane = Lane::high}));
    app.welcome();
    const auto all = app.take_all();
    CHECK(texts(all) == "urgent 1 2 3 ");
    REQUIRE(all.size() == 4);
    CHECK(all[0].header.sequence == 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(all[i].envelope.number == i + 1);
}

TEST_CASE("a high message in the open batch overtakes what waits for room") {
    Producing app;
    app.welcome(5, 0, 0, 128 * 1024);
    while (app.offer("bulk", std::string(60'000, 'x'), {.lane = Lane::low}) == Offer::taken)
        static_cast<void>(app.take());
    CHECK_FALSE(app.session.is_ready());
    app.safe_through(1);  // room for a batch
    CHECK(app.offer("plant", "urgent", {.lane = Lane::high}) == Offer::taken);
    app.now += limits::batch_age_max;
    const auto left = app.take();
    REQUIRE(left);
    CHECK(left->payloads == std::vector<std::string>{"urgent"});
}

TEST_CASE("it is known beforehand when the open batch of a lane that is ahead will leave") {
    Producing app;
    app.welcome(5, 0, 0, 64 * 1024);
    static_cast<void>(app.offer("bulk", std::string(50'000, 'x'), {.lane = Lane::low}));
    REQUIRE(app.take());
    static_cast<void>(app.offer("bulk", std::string(50'000, 'x'), {.lane = Lane::low}));
    static_cast<void>(app.offer("plant", "urgent", {.lane = Lane::high}));
    CHECK_FALSE(app.session.is_ready());
    CHECK(app.session.next_deadline() == start + limits::batch_age_max);
    app.now += limits::batch_age_max;
    REQUIRE(app.take());
    CHECK(app.session.next_deadline() == never);  // the low one has no room
    CHECK_FALSE(app.take());
}

TEST_CASE("of seven turns high has four, normal two and low one") {
    Producing app{1};
    for (const auto lane : {Lane::low, Lane::normal, Lane::high})
        for (int i = 0; i < 70; ++i) static_cast<void>(app.offer("plant", "m", {.lane = lane}));
    app.now += limits::batch_age_max;
    app.welcome();
    auto all = lanes(app.take_all());
    REQUIRE(all.size() == 210);
    all.resize(70);
    CHECK(std::count(all.begin(), all.end(), Lane::high) == 40);
    CHECK(std::count(all.begin(), all.end(), Lane::normal) == 20);
    CHECK(std::count(all.begin(), all.end(), Lane::low) == 10);
}

TEST_CASE("a channel's sequence counts by lane, and the consumer watches each lane for itself") {
    Producing app{1};
    for (const char* text : {"1", "2", "3"})
        static_cast<void>(app.offer("plant", text, {.lane = Lane::low}));
    for (const char* text : {"a", "b"})
        static_cast<void>(app.offer("plant", text, {.lane = Lane::high}));
    app.welcome();
    const auto all = app.take_all();
    REQUIRE(all.size() == 5);
    std::array<std::uint64_t, wire::lane_count> next{1, 1, 1};
    GapWatch watch;
    for (const auto& left : all) {
        CHECK(left.header.channel_sequence == next[static_cast<std::size_t>(left.header.lane)]++);
        const auto passed = watch.pass(left.header, left.header.channel_sequence, 1);
        CHECK(passed.missing == 0);
        CHECK_FALSE(passed.late);
    }
    CHECK(watch.pass(all.back().header, 7, 1).missing == 3);  // the low lane stood at 4
}

TEST_CASE("HOLD and RESUME keep each lane's order") {
    Producing app{1};
    app.welcome();
    app.session.on_hold(channel("a"));
    for (const char* text : {"1", "2"}) static_cast<void>(app.offer("a", text));
    static_cast<void>(app.offer("a", "low", {.lane = Lane::low}));
    static_cast<void>(app.offer("a", "high", {.lane = Lane::high}));
    static_cast<void>(app.offer("b", "3"));
    app.now += 1ms;
    CHECK(texts(app.take_all()) == "3 ");
    app.session.on_resume(channel("a"));
    CHECK(texts(app.take_all()) == "high low 1 2 ");  // after 3 it was high's turn, then low's
}

TEST_CASE("HOLD spares the parts of a message that has begun, whatever overtakes them") {
    Producing app{1};
    app.welcome(5, 0, 0, 4 * 1024 * 1024);
    const std::string payload(2 * limits::part_bytes, 'x');
    const auto offer_large = [&](Lane lane) {
        auto large =
            ProducerSession::cut({.channel = "a", .lane = lane, .payload = as_bytes(payload)});
        REQUIRE(large);
        while (!large->finished())
            REQUIRE(app.session.offer_part(*large, {app.now, 77}) == Offer::taken);
    };
    offer_large(Lane::low);
    const auto first = app.take();
    REQUIRE(first);
    CHECK(first->header.part->index == 0);
    offer_large(Lane::high);
    const auto ahead = app.take();
    REQUIRE(ahead);
    CHECK(ahead->header.lane == Lane::high);
    app.session.on_hold(channel("a"));
    const auto rest = app.take_all();
    REQUIRE(rest.size() == 2);
    for (const auto& left : rest) CHECK(left.header.part->index == 1);
}

TEST_CASE("what has left is sent again in the order of its numbers, whatever its lane") {
    Producing app{1};
    app.welcome(5);
    static_cast<void>(app.offer("a", "low", {.lane = Lane::low}));
    REQUIRE(app.take());
    app.session.on_disconnected();
    static_cast<void>(app.offer("a", "high", {.lane = Lane::high}));
    app.welcome(5);
    CHECK(texts(app.take_all()) == "low high ");
}
