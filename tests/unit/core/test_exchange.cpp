#include <algorithm>

#include "stories.h"

namespace {

Batch news(std::uint64_t sequence, std::uint16_t flags = 0) {
    return make_batch(
        {.channel = "news", .producer = producer, .sequence = sequence, .flags = flags});
}
wire::Subscribe durable(const std::string& name, const std::string& filter) {
    wire::Subscribe command;
    command.id = 1;
    command.filter = filter;
    command.durable = name;
    return command;
}
template <class T>
const T* find_reply(const Host& host) {
    for (const auto& reply : host.replies)
        if (const auto* found = std::get_if<T>(&reply)) return found;
    return nullptr;
}

}  // namespace

TEST_CASE("no receipt is sent before the message is safe") {
    Host host{"a", 1, {}};
    host.open(reader);
    host.subscribe(reader, durable("d", "news"));
    host.exchange->on_session_gone(reader, host.now);
    host.open(app, producer);
    host.journal_answers = false;
    host.publish(app, 1, news(1));
    CHECK(host.receipts.empty());
    host.commit();
    REQUIRE(host.receipts.size() == 1);
    CHECK(host.receipts[0].stage == wire::Stage::safe);
}

TEST_CASE("a commit takes a prefix of its source, and the mark never runs ahead of it") {
    Host host{"a", 1, {}};
    host.open(reader);
    auto fast = durable("fast", "fast");
    host.subscribe(reader, fast);
    auto slow = durable("slow", "slow");
    slow.id = 2;
    host.subscribe(reader, slow);
    host.open(app, producer);
    host.journal_answers = false;
    // 1 has a consumer and its grace; 2 has none and is due at once.
    host.publish(app, 1, make_batch({.channel = "fast", .producer = producer, .sequence = 1}));
    wire::Unsubscribe leave{.id = 2};
    host.exchange->on_command(reader, leave, host.now);
    host.publish(app, 2, make_batch({.channel = "slow", .producer = producer, .sequence = 2}));
    REQUIRE(!host.unanswered.empty());
    std::vector<std::uint64_t> put;
    std::uint64_t mark = 0;
    for (const auto& change : host.unanswered.back().changes) {
        if (const auto* one = std::get_if<Put>(&change))
            put.push_back(one->batch.header().sequence);
        if (const auto* one = std::get_if<ProducerMark>(&change)) mark = one->number;
    }
    std::sort(put.begin(), put.end());
    CHECK(put == std::vector<std::uint64_t>{1, 2});
    CHECK(mark == 2);
}

TEST_CASE("a failed commit is said again, and then the receipt follows") {
    Host host{"a", 1, {}};
    host.open(app, producer);
    host.journal_answers = false;
    host.publish(app, 1,
                 make_batch({.kind = wire::Kind::queue, .channel = "q", .producer = producer}));
    REQUIRE(host.unanswered.size() == 1);
    SUBCASE("full") {
        host.exchange->on_journal(
            Failed{host.unanswered[0].number, Failed::Cause::full, "disk full", {.full = true}},
            host.now);
    }
    SUBCASE("undecided") {
        host.exchange->on_journal(Undecided{host.unanswered[0].number, "EIO", {}}, host.now);
    }
    host.unanswered.clear();
    host.turn();
    CHECK(host.receipts.empty());
    CHECK(host.unanswered.empty());
    host.pass(1s);
    REQUIRE(host.unanswered.size() == 1);
    host.commit();
    CHECK(host.receipts.size() == 1);
    CHECK_FALSE(host.exchange->status(host.now).journal_full);
}

TEST_CASE(
    "on a full journal everybody holds everything, settling goes on, and it resumes by itself") {
    Host host{"a", 1, {}};
    host.open(reader);
    host.subscribe(reader, durable("d", "news"));
    host.open(app, producer);
    host.publish(app, 1, news(1));
    host.pass(1s);  // journaled: the consumer has not acknowledged
    host.journal_answers = false;
    host.publish(app, 2, news(2));
    host.pass(1s);
    REQUIRE(!host.unanswered.empty());
    host.exchange->on_journal(
        Failed{host.unanswered.back().number, Failed::Cause::full, "disk full", {.full = true}},
        host.now);
    host.unanswered.clear();
    host.turn();
    REQUIRE(find_reply<wire::Hold>(host) != nullptr);
    CHECK(find_reply<wire::Hold>(host)->channels[0].filter == "**");
    const auto delivery = host.next_delivery();
    REQUIRE(delivery);
    host.ack(reader, *delivery);
    host.pass(200ms);
    REQUIRE(host.unanswered.size() == 1);  // the settlement, and no new data
    for (const auto& change : host.unanswered[0].changes)
        CHECK_FALSE(std::holds_alternative<Put>(change));
    host.commit();
    host.pass(1s);
    host.commit();
    REQUIRE(find_reply<wire::Resume>(host) != nullptr);
    CHECK(host.balances());
}

TEST_CASE("a publish that reaches nobody is safe, and says so") {
    Host host{"a", 1, {}};
    host.open(app, producer);
    host.publish(app, 1, news(1));
    REQUIRE(host.receipts.size() == 1);
    CHECK(host.receipts[0].destinations == 0);
    CHECK(host.exchange->status(host.now).unrouted == 1);
}

TEST_CASE("a number that was taken is not taken twice") {
    Host host{"a", 1, {}};
    host.open(reader);
    host.subscribe(reader, durable("d", "news"));
    host.open(app, producer);
    host.publish(app, 1, news(1));
    host.publish(app, 1, news(1));
    CHECK(host.deliveries.size() == 1);
    CHECK(host.exchange->status(host.now).duplicates_dropped == 1);
}

TEST_CASE("an app that comes back within the linger finds what its subscription collected") {
    Host host{"a", 1, {}};
    const ProducerId reader_id{{8, 8}};
    wire::Subscribe anonymous;
    anonymous.id = 1;
    anonymous.filter = "news";
    host.open(reader, reader_id);
    host.subscribe(reader, anonymous);
    host.exchange->on_session_gone(reader, host.now);
    host.open(app, producer);
    host.publish(app, 1, news(1));
    SUBCASE("in time") {
        host.pass(29s);
        host.open(SessionId{9}, reader_id);
        host.subscribe(SessionId{9}, anonymous);
        CHECK(host.deliveries.size() == 1);
    }
    SUBCASE("too late") {
        host.pass(31s);
        host.open(SessionId{9}, reader_id);
        host.subscribe(SessionId{9}, anonymous);
        CHECK(host.deliveries.empty());
    }
    CHECK(host.balances());
}

TEST_CASE("a rule of a uid is kept, and a denial names it") {
    Host host{"a", 1, {}};
    host.settings.rules[1000] = {.publish = {"orders.**"}};
    host.exchange->reload(host.settings, host.now);
    host.open(app, producer, 1000);
    host.publish(app, 1, news(1));
    REQUIRE(find_reply<wire::Refused>(host) != nullptr);
    CHECK(find_reply<wire::Refused>(host)->code == wire::Reject::not_allowed);
    CHECK(find_reply<wire::Refused>(host)->reason == "no rule lets uid 1000 publish on news");
    host.subscribe(app, durable("d", "news"));
    REQUIRE(find_reply<wire::Failed>(host) != nullptr);
    CHECK(find_reply<wire::Failed>(host)->code == wire::Reject::not_allowed);
    CHECK(host.exchange->status(host.now).denied == 2);
}

TEST_CASE("a producer that asks for it hears of safety when its mark is on disk, and not before") {
    Host host{"a", 1, {}};
    host.open(reader);
    host.subscribe(reader, durable("d", "news"));
    host.open(app, producer);
    host.exchange->on_command(app, wire::Hello{.app = "test", .producer = producer, .keep = true},
                              host.now);
    host.journal_answers = false;
    host.publish(app, 1, news(1));
    host.ack(reader, *host.next_delivery());  // it settles, and the disk never hears of it
    host.pass(1ms);
    CHECK(host.receipts.empty());
    REQUIRE(host.unanswered.size() == 1);
    const auto& changes = host.unanswered.back().changes;
    CHECK(std::none_of(changes.begin(), changes.end(),
                       [](const Change& c) { return std::holds_alternative<Put>(c); }));
    CHECK(std::any_of(changes.begin(), changes.end(), [](const Change& c) {
        const auto* mark = std::get_if<ProducerMark>(&c);
        return mark != nullptr && mark->number == 1;
    }));
    host.commit();
    REQUIRE(host.receipts.size() == 1);
    CHECK(host.receipts[0].number == 1);
}

TEST_CASE("a producer belongs to the user that began it") {
    Host host{"a", 1, {}};
    host.open(app, producer, 1000);
    host.open(reader, producer, 1001);
    REQUIRE(find_reply<wire::Failed>(host) != nullptr);
    CHECK(find_reply<wire::Failed>(host)->code == wire::Reject::not_allowed);
}

TEST_CASE("arrived is told when the other agent has taken over") {
    TwoHosts hosts;
    hosts.b.open(reader);
    hosts.b.subscribe(reader, durable("d", "news"));
    hosts.a.open(app, producer);
    hosts.connect();
    hosts.a.publish(app, 1, news(1, wire::batch_flag::want_arrived));
    hosts.settle();
    CHECK(hosts.a.receipts.empty());
    const auto delivery = hosts.b.next_delivery();
    REQUIRE(delivery);
    hosts.b.ack(reader, *delivery);
    hosts.settle();
    REQUIRE(hosts.a.receipts.size() == 2);
    CHECK(hosts.a.receipts[0].stage != hosts.a.receipts[1].stage);
}

TEST_CASE("messages of a queue wait where they are until a consumer appears anywhere") {
    TwoHosts hosts;
    hosts.connect();
    hosts.a.open(app, producer);
    for (std::uint64_t n = 1; n <= 3; ++n)
        hosts.a.publish(
            app, n,
            make_batch(
                {.kind = wire::Kind::queue, .channel = "q", .producer = producer, .sequence = n}));
    CHECK(hosts.a.receipts.size() == 3);
    hosts.b.open(reader);
    wire::Subscribe receive;
    receive.id = 1;
    receive.kind = wire::Kind::queue;
    receive.filter = "q";
    hosts.b.subscribe(reader, receive);
    hosts.settle();
    std::vector<std::uint64_t> found;
    while (auto delivery = hosts.b.next_delivery()) {
        found.push_back(delivery->batch.header().sequence);
        CHECK_FALSE(delivery->envelope.redelivered());
        hosts.b.ack(reader, *delivery);
        hosts.settle();
    }
    CHECK(found == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(hosts.a.balances());
    CHECK(hosts.b.balances());
}

TEST_CASE("two links to one peer: the one that the lower id dialled stays") {
    TwoHosts hosts;
    hosts.connect();
    const LinkId other{50};
    hosts.b.exchange->on_link_up(other, "key-a", true, hosts.b.now);
    hosts.a.exchange->on_link_up(other, "key-b", false, hosts.a.now);
    hosts.settle();
    CHECK(hosts.a.exchange->status(hosts.a.now).links[0].state == "up");
    CHECK(hosts.a.exchange->status(hosts.a.now).links[0].dialled);
    CHECK(hosts.b.exchange->status(hosts.b.now).links[0].state == "up");
    CHECK_FALSE(hosts.b.exchange->status(hosts.b.now).links[0].dialled);
}

TEST_CASE("a peer of an older incarnation than before is refused: a restored backup, or a clone") {
    TwoHosts hosts;
    hosts.connect();
    hosts.disconnect();
    hosts.a = Host{"a", 1, {peer("b")}, {}, 999};
    hosts.connect();
    CHECK(hosts.b.exchange->status(hosts.b.now).links[0].state == "down");
    CHECK(hosts.b.exchange->status(hosts.b.now).links[0].last_error.find("clone") !=
          std::string::npos);
}

TEST_CASE("an incarnation that was seen before, of another start, is refused by both sides") {
    TwoHosts hosts;
    hosts.connect();
    hosts.disconnect();
    Recovered restored;
    restored.nonce = 77;  // the same number: the host's clock did not work
    hosts.a = Host{"a", 1, {peer("b")}, restored};
    hosts.a.events.clear();
    hosts.b.events.clear();
    hosts.connect();
    const auto says = [](const Host& host, Event::Kind kind) {
        return std::any_of(host.events.begin(), host.events.end(),
                           [&](const Event& event) { return event.kind == kind; });
    };
    CHECK(says(hosts.b, Event::Kind::link_refused));
    CHECK_FALSE(says(hosts.b, Event::Kind::link_up));
    CHECK_FALSE(says(hosts.a, Event::Kind::link_up));
    SUBCASE("and when the other one dials") {
        const LinkId back{99};
        hosts.b.exchange->on_link_up(back, "key-a", true, hosts.b.now);
        hosts.a.exchange->on_link_up(back, "key-b", false, hosts.a.now);
        hosts.settle();
        CHECK(says(hosts.a, Event::Kind::link_refused));
        CHECK_FALSE(says(hosts.a, Event::Kind::link_up));
    }
}

TEST_CASE("best effort reaches who has room now, and is journaled nowhere") {
    TwoHosts hosts;
    hosts.b.open(reader);
    hosts.b.subscribe(reader, durable("d", "news"));
    hosts.a.open(app, producer);
    hosts.connect();
    hosts.a.publish(
        app, 0,
        make_batch({.mode = wire::Mode::best_effort, .channel = "news", .producer = producer}));
    hosts.settle();
    const auto delivery = hosts.b.next_delivery();
    REQUIRE(delivery);
    hosts.b.ack(reader, *delivery);
    hosts.pass(1s);
    CHECK(hosts.a.changes<Put>() + hosts.b.changes<Put>() == 0);
    CHECK(hosts.a.receipts.empty());
    hosts.disconnect();
    hosts.a.publish(app, 0,
                    make_batch({.mode = wire::Mode::best_effort,
                                .channel = "news",
                                .producer = producer,
                                .sequence = 2}));
    CHECK(hosts.a.exchange->status(hosts.a.now).best_effort_dropped == 1);
}

TEST_CASE("an agent told to stop makes safe what it has and takes no more") {
    Host host{"a", 1, {}};
    host.open(reader);
    host.subscribe(reader, durable("d", "news"));
    host.open(app, producer);
    host.journal_answers = false;
    host.publish(app, 1, news(1));
    CHECK_FALSE(host.exchange->is_quiet());
    host.exchange->stop_accepting(host.now);
    host.turn();
    host.commit();
    CHECK(host.exchange->is_quiet());
    CHECK(host.receipts.size() == 1);
    host.publish(app, 2, news(2));
    CHECK(host.exchange->status(host.now).unsafe_batches == 0);
}
