#include "producing.h"
#include "session/producer_name.h"

using namespace bus;
using namespace bus::session;
using namespace bus::session::test;

namespace {

// A producer with a name, in one of its lives.
struct Named {
    explicit Named(std::uint32_t batch_messages_max = 0)
        : session({.outbox_bytes = limits::outbox_bytes_min,
                   .batch_messages_max = batch_messages_max,
                   .named = true},
                  pool) {
        session.identify(ProducerId{{1, 2}});
    }
    Offer offer(std::uint64_t sequence, std::uint64_t receipt = 0, std::string_view channel = "a") {
        return session.offer({.channel = channel,
                              .payload = as_bytes("m"),
                              .sequence = sequence,
                              .receipt = receipt},
                             {now, 77});
    }
    void welcome(std::uint64_t taken, std::uint64_t safe, std::uint64_t incarnation = 5) {
        session.on_welcome({.incarnation = incarnation,
                            .taken = taken,
                            .safe = safe,
                            .window = 1 << 20,
                            .held = {}},
                           now);
    }
    std::vector<Left> take_all() {
        now += limits::batch_age_max;
        std::vector<Left> all;
        while (auto frame = session.take(now)) all.push_back(look_into(std::move(*frame)));
        return all;
    }
    FramePool pool{1024 * 1024};
    ProducerSession session;
    Time now = start;
};

}  // namespace

TEST_CASE("a producer with a name has to hear first what was taken of it") {
    Named app;
    CHECK(app.offer(1) == Offer::would_block);
    app.welcome(0, 0);
    CHECK(app.offer(1) == Offer::taken);
}

TEST_CASE("its batches are runs of its sequence, and numbered by their last") {
    Named app;
    app.welcome(0, 0);
    for (const std::uint64_t sequence : {1, 2, 3, 7, 8, 20})
        REQUIRE(app.offer(sequence) == Offer::taken);
    const auto all = app.take_all();
    REQUIRE(all.size() == 3);
    const std::uint64_t first[] = {1, 7, 20}, last[] = {3, 8, 20};
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(all[i].header.sequence == first[i]);
        CHECK(all[i].header.channel_sequence == first[i]);
        CHECK(all[i].envelope.number == last[i]);
        CHECK((all[i].header.flags & wire::batch_flag::sparse) != 0);
    }
}

TEST_CASE("what was safe in an earlier life is not published again, and its receipt says so") {
    Named app;
    app.welcome(5, 5);
    for (std::uint64_t sequence = 3; sequence <= 7; ++sequence)
        REQUIRE(app.offer(sequence, sequence) == Offer::taken);
    const auto told = app.session.take_settled();
    REQUIRE(told.size() == 3);
    for (const auto& one : told) {
        CHECK(one.outcome == Outcome::reached);
        CHECK(one.reason == "published before");
        CHECK_FALSE(one.destinations);
    }
    const auto all = app.take_all();
    REQUIRE(all.size() == 1);
    CHECK(all[0].header.sequence == 6);
}

TEST_CASE("what was taken and is not safe is kept until it is, and sent if the agent forgets it") {
    Named app;
    app.welcome(4, 2);
    for (std::uint64_t sequence = 1; sequence <= 6; ++sequence)
        REQUIRE(app.offer(sequence, sequence) == Offer::taken);
    static_cast<void>(app.session.take_settled());
    auto all = app.take_all();
    REQUIRE(all.size() == 1);
    CHECK(all[0].header.sequence == 5);
    CHECK(all[0].envelope.number == 6);
    SUBCASE("then it becomes safe there") {
        app.session.on_receipts({.safe_through = 4});
        const auto told = app.session.take_settled();
        REQUIRE(told.size() == 2);
        CHECK(told[0].receipt == 3);
        CHECK(app.session.unsafe_messages() == 2);
    }
    SUBCASE("or the agent was killed with it") {
        app.session.on_disconnected();
        app.welcome(2, 2, 6);
        all = app.take_all();
        REQUIRE(all.size() == 2);
        CHECK(all[0].header.sequence == 3);
        CHECK(all[0].envelope.number == 4);
        CHECK(all[0].envelope.resent());
        CHECK(all[1].envelope.number == 6);
    }
}

TEST_CASE("no batch joins what was taken before with what was not") {
    Named app;
    app.welcome(4, 0);
    for (std::uint64_t sequence = 1; sequence <= 6; ++sequence)
        REQUIRE(app.offer(sequence) == Offer::taken);
    const auto all = app.take_all();
    REQUIRE(all.size() == 1);
    CHECK(all[0].payloads.size() == 2);
    app.session.on_disconnected();
    app.welcome(0, 0, 6);
    const auto again = app.take_all();
    REQUIRE(again.size() == 2);
    CHECK(again[0].envelope.number == 4);
}

TEST_CASE("its sequence begins at 1 and ascends") {
    Named app;
    app.welcome(0, 0);
    CHECK(app.offer(0) == Offer::out_of_order);
    CHECK(app.offer(3) == Offer::taken);
    CHECK(app.offer(3) == Offer::out_of_order);
    CHECK(app.offer(2) == Offer::out_of_order);
    CHECK(app.offer(4) == Offer::taken);
}

TEST_CASE("a channel on HOLD stops it, for its numbers must ascend") {
    Named app{1};
    app.welcome(0, 0);
    app.session.on_hold(channel("a"));
    REQUIRE(app.offer(1, 0, "a") == Offer::taken);
    REQUIRE(app.offer(2, 0, "b") == Offer::taken);
    CHECK(app.take_all().empty());
    CHECK_FALSE(app.session.is_ready());
    app.session.on_resume(channel("a"));
    const auto all = app.take_all();
    REQUIRE(all.size() == 2);
    CHECK(all[0].envelope.number == 1);
    CHECK(all[1].envelope.number == 2);
}

TEST_CASE("a receipt finds its batch among numbers with holes") {
    Named app{1};
    app.welcome(0, 0);
    for (const std::uint64_t sequence : {10, 20, 30})
        REQUIRE(app.offer(sequence, sequence) == Offer::taken);
    REQUIRE(app.take_all().size() == 3);
    app.session.on_receipts({.safe_through = 0, .records = {{.number = 20, .destinations = 4}}});
    auto told = app.session.take_settled();
    REQUIRE(told.size() == 1);
    CHECK(told[0].receipt == 20);
    CHECK(told[0].destinations == 4u);
    app.session.on_refused(
        {.number = 15, .code = wire::Reject::malformed, .reason = "none of ours"});
    CHECK(app.session.take_settled().empty());
}

TEST_CASE("a name is one producer to one agent and user, and another to others") {
    const AgentId paris{{1, 2}}, tokyo{{1, 3}};
    const auto id = named_producer(paris, 1000, "billing-7");
    CHECK(id == named_producer(paris, 1000, "billing-7"));
    CHECK(id != named_producer(tokyo, 1000, "billing-7"));
    CHECK(id != named_producer(paris, 1001, "billing-7"));
    CHECK(id != named_producer(paris, 1000, "billing-8"));
    CHECK(to_text(id) == "d40e169fc400a0785a9000e23472876f");  // as PROTOCOL.md has it
}
