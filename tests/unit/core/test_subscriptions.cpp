// Durable subscriptions as operators and the configuration have them: declared
// before their programs come, paused, purged, ended.
#include "core/subscriptions.h"

#include "network.h"
#include "stories.h"

namespace {

using What = SubscriptionOrder::What;
using Verdict = SubscriptionChange::Verdict;

SubscriptionChange order(Host& host, What what, const std::string& name = "alarms",
                         const std::string& filter = {}, bool dry_run = false) {
    const auto change = host.exchange->change_subscription(
        {.what = what, .name = name, .filter = filter, .dry_run = dry_run}, host.now);
    host.turn();
    return change;
}
Batch news(std::uint64_t sequence) {
    return make_batch({.channel = "news", .producer = producer, .sequence = sequence});
}
wire::Subscribe reading(const std::string& name = "alarms") {
    return {.id = 1, .filter = "news", .durable = name};
}
template <class T>
std::vector<T> told(const Host& host) {
    std::vector<T> found;
    for (const auto& reply : host.replies)
        if (const auto* one = std::get_if<T>(&reply)) found.push_back(*one);
    return found;
}
SubscriptionStatus only(const Host& host) {
    const auto all = host.exchange->subscriptions(host.now);
    REQUIRE(all.size() == 1);
    return all.front();
}
// What a journal has of the subscription "alarms".
Recovered recovered(bool paused) {
    return backlog_of({.type = Destination::Type::durable,
                       .kind = wire::Kind::topic,
                       .name = "alarms",
                       .filter = "news",
                       .paused = paused},
                      3, BatchId{3});
}
Texts names_of(const Host& host, Acquaintance::State state) {
    Texts names;
    for (const auto& one : only(host).agents)
        if (one.state == state)
            names.push_back(one.agent + (one.via.empty() ? "" : " via " + one.via));
    return names;
}

// One that is declared, with a producer.
struct Declared : Host {
    Declared() : Host("a", 1, {}) {
        REQUIRE(order(*this, What::add, "alarms", "news").verdict == Verdict::done);
        open(app, producer);
    }
    void put(std::uint64_t sequence) { publish(app, sequence, news(sequence)); }
    void come() {
        open(reader);
        subscribe(reader, reading());
    }
};

}  // namespace

TEST_CASE("what is declared collects before its program comes for the first time") {
    Host host{"a", 1, {}};
    host.journal_answers = false;
    const auto change = order(host, What::add, "alarms", "news");
    CHECK(change.verdict == Verdict::done);
    CHECK_FALSE(host.exchange->is_stored(change.stored_by));
    host.commit();
    CHECK(host.exchange->is_stored(change.stored_by));
    host.journal_answers = true;
    host.open(app, producer);
    host.publish(app, 1, news(1));
    CHECK(only(host).waiting_messages == 1);
    host.open(reader);
    host.subscribe(reader, reading());
    CHECK(read(host) == Sequences{1});
    CHECK(order(host, What::add, "alarms", "news").verdict == Verdict::as_it_was);
    const auto other = order(host, What::add, "alarms", "other");
    CHECK(other.verdict == Verdict::other_filter);
    CHECK(other.filter == "news");
}

TEST_CASE("a program may declare one too, and consumes nothing by it") {
    Host host{"a", 1, {}};
    host.open(reader);
    auto command = reading();
    command.declare = true;
    host.subscribe(reader, command);
    CHECK(told<wire::Subscribed>(host).size() == 1);
    host.open(app, producer);
    host.publish(app, 1, news(1));
    CHECK(host.deliveries.empty());
    CHECK(only(host).consumers == 0);
    host.subscribe(reader, reading());  // its id is free
    CHECK(read(host) == Sequences{1});
    command.durable.clear();
    command.id = 2;
    host.subscribe(reader, command);
    REQUIRE(told<wire::Failed>(host).size() == 1);
    CHECK(told<wire::Failed>(host)[0].code == wire::Reject::malformed);
}

TEST_CASE("paused it collects and hands out nothing, until it is resumed") {
    Declared host;
    host.come();
    host.put(1);
    const auto first = host.next_delivery();
    REQUIRE(first);
    REQUIRE(order(host, What::pause).verdict == Verdict::done);
    CHECK(order(host, What::pause).verdict == Verdict::as_it_was);
    host.ack(reader, *first, wire::Verdict::nack);
    host.put(2);
    host.pass(1min);
    CHECK(host.deliveries.empty());
    CHECK(only(host).paused);
    CHECK(only(host).waiting_messages == 2);
    CHECK(host.exchange->status(host.now).groups[0].paused);
    const auto why = host.exchange->diagnose_why("alarms", host.now);
    CHECK(why.has_problem());
    CHECK(why.findings[0].words.find("it is paused") != std::string::npos);
    CHECK(order(host, What::resume).verdict == Verdict::done);
    CHECK(read(host) == Sequences{1, 2});
    CHECK(host.balances());
}

TEST_CASE("best effort is nothing that a paused subscription could keep") {
    Declared host;
    host.come();
    order(host, What::pause);
    host.publish(
        app, 0,
        make_batch({.mode = wire::Mode::best_effort, .channel = "news", .producer = producer}));
    CHECK(host.deliveries.empty());
    CHECK(host.exchange->status(host.now).best_effort_dropped == 1);
}

TEST_CASE("a pause outlives the agent") {
    for (const bool paused : {false, true}) {
        CAPTURE(paused);
        Host host{"a", 1, {}, recovered(paused)};
        CHECK(only(host).paused == paused);
        host.open(reader);
        host.subscribe(reader, reading());
        CHECK(host.reads.size() == (paused ? 0 : 1));
        order(host, What::resume);
        CHECK(host.reads.size() == 1);
    }
}

TEST_CASE("purged it goes on, without what it had") {
    Declared host;
    host.come();
    host.put(1);
    const auto in_hand = host.next_delivery();
    host.leave(reader);
    host.put(2);
    host.pass(1s);
    const auto before = order(host, What::purge, "alarms", {}, true);
    CHECK(before.messages == 2);
    CHECK(before.bytes > 0);
    CHECK(only(host).waiting_messages == 2);
    const auto purged = order(host, What::purge);
    CHECK(purged.messages == 2);
    CHECK(only(host).waiting_messages == 0);
    CHECK(only(host).account.purged == 2);
    CHECK(host.balances());
    host.put(3);
    host.come();
    CHECK(read(host) == Sequences{3});
    CHECK(only(host).account.settled == 1);
    CHECK(host.changes<DropDestination>() == 1);
}

TEST_CASE("what is on disk only goes with a purge, unread") {
    Host host{"a", 1, {}, recovered(false)};
    CHECK(order(host, What::purge).messages == 3);
    CHECK(host.reads.empty());
    CHECK(only(host).account.recovered == 3);
    CHECK(only(host).account.purged == 3);
    CHECK(host.balances());
    CHECK(host.changes<DropDestination>() == 1);
    CHECK(host.changes<PutDestination>() == 1);
}

TEST_CASE("a consumer stays through a purge, and what it has in hand keeps its room") {
    Declared host;
    host.open(reader);
    auto terms = reading();
    terms.prefetch_messages = 1;
    host.subscribe(reader, terms);
    host.put(1);
    const auto in_hand = host.next_delivery();
    REQUIRE(in_hand);
    host.put(2);
    order(host, What::purge);
    host.put(3);
    CHECK(host.deliveries.empty());
    host.ack(reader, *in_hand);
    CHECK(read(host) == Sequences{3});
    CHECK(host.exchange->status(host.now).late_acks == 0);
    CHECK(only(host).account.purged == 2);
    CHECK(host.balances());
}

TEST_CASE("what a consumer has in hand is not handed out again after a purge") {
    for (const bool leaves : {false, true}) {
        CAPTURE(leaves);
        Declared host;
        host.come();
        host.put(1);
        const auto in_hand = host.next_delivery();
        REQUIRE(in_hand);
        order(host, What::purge);
        if (leaves) {
            host.leave(reader);
            host.come();
        } else {
            host.ack(reader, *in_hand, wire::Verdict::nack);
            host.pass(1min);
        }
        host.put(2);
        CHECK(read(host) == Sequences{2});
        CHECK(host.balances());
    }
}

TEST_CASE("removed it is gone, and its consumers are told") {
    Declared host;
    host.come();
    host.put(1);
    const auto in_hand = host.next_delivery();
    REQUIRE(in_hand);
    const auto plan = order(host, What::remove, "alarms", {}, true);
    CHECK(plan.consumers == 1);
    CHECK(plan.messages == 1);
    CHECK(plan.handed_out == 1);
    CHECK(told<wire::Failed>(host).empty());
    CHECK(order(host, What::remove).verdict == Verdict::done);
    REQUIRE(told<wire::Failed>(host).size() == 1);
    CHECK(told<wire::Failed>(host)[0].id == 1);
    CHECK(told<wire::Failed>(host)[0].code == wire::Reject::not_found);
    CHECK(host.exchange->subscriptions(host.now).empty());
    host.ack(reader, *in_hand);
    CHECK(host.exchange->status(host.now).late_acks == 1);
    host.put(2);
    CHECK(host.exchange->status(host.now).unrouted == 1);
    CHECK(order(host, What::remove).verdict == Verdict::unknown);
    CHECK(host.changes<PutTombstone>() == 1);
    host.subscribe(reader, reading());  // under the same id, as a new one
    host.put(3);
    CHECK(read(host) == Sequences{3});
}

TEST_CASE("who has asked just before a removal hears of the removal last") {
    Host host{"a", 1, {}};
    host.open(reader);
    host.journal_answers = false;
    host.subscribe(reader, reading());
    order(host, What::remove);
    host.commit();
    CHECK(told<wire::Failed>(host).size() == 1);
    CHECK(told<wire::Subscribed>(host).empty());
}

TEST_CASE("the configuration declares them, at the start and when it changes") {
    Host host{"a", 1, {}};
    const auto declare = [&](std::vector<SubscriptionSettings> all) {
        host.settings.subscriptions = std::move(all);
        host.exchange->reload(host.settings, host.now);
        host.turn();
    };
    declare({{"alarms", "news"}});
    CHECK(only(host).configured);
    CHECK(host.changes<PutDestination>() == 1);
    CHECK(order(host, What::remove).verdict == Verdict::configured);
    declare({{"alarms", "news"}});
    CHECK(host.changes<PutDestination>() == 1);
    host.events.clear();
    declare({{"alarms", "other"}});
    CHECK(only(host).filter == "news");
    REQUIRE(host.events.size() == 1);
    CHECK(host.events[0].kind == Event::Kind::subscription_changed);
    host.open(app, producer);
    host.publish(app, 1, news(1));
    declare({});  // nobody said that its messages may go
    CHECK(only(host).waiting_messages == 1);
    CHECK_FALSE(only(host).configured);
    CHECK(order(host, What::remove).verdict == Verdict::done);
}

TEST_CASE("what the configuration declares begins anew when its program ends it") {
    Host host{"a", 1, {}};
    host.settings.subscriptions = {{"alarms", "news"}};
    host.exchange->reload(host.settings, host.now);
    host.open(app, producer);
    host.publish(app, 1, news(1));
    host.open(reader);
    auto terms = reading();
    terms.prefetch_messages = 1;
    host.subscribe(reader, terms);
    host.publish(app, 2, news(2));
    host.exchange->on_command(reader, wire::Unsubscribe{.id = 1, .forget = true}, host.now);
    host.turn();
    CHECK(only(host).waiting_messages == 0);
    host.publish(app, 3, news(3));
    CHECK(only(host).waiting_messages == 1);
}

TEST_CASE("it is known where it was confirmed, and told where there is a way") {
    // b is linked, c is behind b, d was never heard.
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    subscribe(net[2]);  // who wants nothing is not told of
    net.settle();
    net[0].settings.peers.push_back(peer("d"));
    net[0].exchange->reload(net[0].settings, net[0].now);
    order(net[0], What::add, "alarms", "news");
    CHECK(names_of(net[0], Acquaintance::State::told) == Texts{net[1].settings.name});
    net.settle();
    net.pass(5s);
    CHECK(names_of(net[0], Acquaintance::State::known) == Texts{net[1].settings.name});
    CHECK(names_of(net[0], Acquaintance::State::behind) ==
          Texts{net[2].settings.name + " via " + net[1].settings.name});
    CHECK(names_of(net[0], Acquaintance::State::unreachable) == Texts{"d"});
    net.disconnect(0, 1);
    net.pass(10s);
    CHECK(names_of(net[0], Acquaintance::State::known).empty());
    CHECK(names_of(net[0], Acquaintance::State::unreachable).size() == 3);
}
