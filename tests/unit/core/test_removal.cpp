// Forgetting an agent: refused or accounted for, never half done; and what happens if it comes
// back.
#include "network.h"
#include "stories.h"

namespace {

using Verdict = Removal::Verdict;

Batch news(std::uint64_t sequence, wire::Kind kind = wire::Kind::topic) {
    return make_batch(
        {.kind = kind, .channel = "news", .producer = producer, .sequence = sequence});
}
Removal plan(Host& host, const std::string& name) {
    return host.exchange->plan_removal(name, host.now);
}
// As the agent does it: the settings first.
void remove(Host& host, const std::string& name, bool dead_letter) {
    const Removal planned = plan(host, name);
    REQUIRE(planned.verdict == Verdict::possible);
    std::erase_if(host.settings.peers, [&](const PeerSettings& one) { return one.name == name; });
    host.exchange->reload(host.settings, host.now);
    host.exchange->remove_agent(planned, dead_letter, host.now);
    host.turn();
}
void add_back(Host& host, PeerSettings entry) {
    host.settings.peers.push_back(std::move(entry));
    host.exchange->reload(host.settings, host.now);
    host.turn();
}
std::size_t links_shown(const Host& host) { return host.exchange->status(host.now).links.size(); }
// The account of those that are gone.
Account closed(const Host& host) {
    for (const Account& account : host.exchange->status(host.now).accounts)
        if (account.destination == DestinationId{}) return account;
    return {};
}
std::uint64_t buried(const Host& host) {
    std::uint64_t messages = 0;
    for (const auto& transaction : host.transactions)
        for (const auto& change : transaction.changes)
            if (const auto* bury = std::get_if<Bury>(&change)) messages += bury->count;
    return messages;
}

}  // namespace

TEST_CASE("a peer that nothing is owed to is forgotten") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1]);
    net.settle();
    const Removal planned = plan(net[0], "1");
    CHECK(planned.verdict == Verdict::possible);
    CHECK_FALSE(planned.needs_dead_letters());
    remove(net[0], "1", false);
    CHECK(links_shown(net[0]) == 0);
    CHECK(net[0].exchange->status(net[0].now).agents.empty());
    CHECK(net[0].changes<DropPeer>() == 1);
    CHECK(net[0].changes<DropDestination>() == 1);
    CHECK(plan(net[0], "1").verdict == Verdict::unknown);
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    CHECK(net[0].exchange->status(net[0].now).unrouted == 1);
    CHECK(net[0].balances());
}

TEST_CASE("what is owed to a peer is shown, and becomes dead letters in the same transaction") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1]);
    net.settle();
    net.disconnect(0, 1);
    net[0].open(app, producer);
    for (std::uint64_t n = 1; n <= 3; ++n) net[0].publish(app, n, news(n));
    net.pass(10s);
    const Removal planned = plan(net[0], "1");
    CHECK(planned.needs_dead_letters());
    CHECK(planned.owed.messages == 3);
    CHECK(planned.owed.oldest_millis == 10'000);
    REQUIRE(planned.parts.size() == 1);
    CHECK(planned.parts[0].what == "normal lane");
    remove(net[0], "1", true);
    CHECK(buried(net[0]) == 3);
    CHECK(closed(net[0]).dead_lettered == 3);
    CHECK(net[0].balances());
    const Transaction* last = nullptr;
    for (const auto& transaction : net[0].transactions)
        for (const auto& change : transaction.changes)
            if (std::holds_alternative<DropDestination>(change)) last = &transaction;
    REQUIRE(last != nullptr);
    std::size_t together = 0;
    for (const auto& change : last->changes)
        together += std::holds_alternative<Bury>(change) || std::holds_alternative<Settle>(change);
    CHECK(together == 6);
}

TEST_CASE("what has left and was not acknowledged is a dead letter, too") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1]);
    net.settle();
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    CHECK(plan(net[0], "1").parts[0].what == "sent, not acknowledged");
    net.disconnect(0, 1);
    remove(net[0], "1", true);
    CHECK(buried(net[0]) == 1);
    CHECK(net[0].balances());
}

TEST_CASE("what is on disk only is left to the journal") {
    Host host{
        "a",
        1,
        {peer("b")},
        Recovered{.agent = AgentId{{1, 1}},
                  .last_batch = BatchId{500},
                  .last_destination = DestinationId{1},
                  .destinations = {{.type = Destination::Type::agent,
                                    .id = DestinationId{1},
                                    .name = {},
                                    .filter = {},
                                    .group = {},
                                    .agent = AgentId{{2, 2}}}},
                  .streams = {{.id = {DestinationId{1}, wire::Lane::normal},
                               .entries = 500,
                               .messages = 700,
                               .bytes = 70'000,
                               .first = BatchId{1},
                               .last = BatchId{500}}},
                  .peers = {{.id = AgentId{{2, 2}}, .name = "b", .key = "key-b", .incarnation = 5}},
                  .peer_marks = {},
                  .producer_marks = {},
                  .given_up = {},
                  .interest = {},
                  .tombstones = {},
                  .damage = {},
                  .space = {}}};
    host.turn();
    CHECK(plan(host, "b").owed.messages == 700);
    remove(host, "b", true);
    const DropDestination* dropped = nullptr;
    for (const auto& transaction : host.transactions)
        for (const auto& change : transaction.changes)
            if (const auto* drop = std::get_if<DropDestination>(&change)) dropped = drop;
    REQUIRE(dropped != nullptr);
    CHECK(dropped->reason == "peer b was removed");
    CHECK(dropped->name == "b");
    CHECK(closed(host).dead_lettered == 700);
    CHECK(host.balances());
}

TEST_CASE("a queue gets back what a removed peer had of it") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1], wire::Kind::queue);
    net.settle();
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1, wire::Kind::queue));
    net.disconnect(0, 1);
    CHECK_FALSE(plan(net[0], "1").needs_dead_letters());
    remove(net[0], "1", false);
    subscribe(net[0], wire::Kind::queue);
    CHECK(read_marks(net[0]) == Texts{"1*"});
    CHECK(net[0].balances());
}

TEST_CASE("a peer that is reached another way as well loses its link only") {
    Network net{3, {{0, 1}, {0, 2}, {1, 2}}, {1}};
    subscribe(net[2]);
    net.settle();
    net.disconnect(0, 2);
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    const Removal planned = plan(net[0], "2");
    CHECK(planned.other_ways == Texts{"1"});
    CHECK_FALSE(planned.needs_dead_letters());
    remove(net[0], "2", false);
    net.settle();
    CHECK(read_marks(net[2]) == Texts{"1"});
    CHECK(links_shown(net[0]) == 1);
    CHECK(net[0].balances());
}

TEST_CASE("agents behind a removed hub are named, and wait for another way") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    subscribe(net[2]);
    net.settle();
    CHECK(plan(net[0], "2").verdict == Verdict::reachable);
    const Removal planned = plan(net[0], "1");
    REQUIRE(planned.behind.size() == 1);
    CHECK(planned.behind[0].name == "2");
    CHECK(planned.behind[0].other_ways.empty());
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    net.disconnect(0, 1);
    remove(net[0], "1", false);
    // Nobody leads to it any more: now it can be forgotten as well.
    const Removal far = plan(net[0], "2");
    CHECK(far.verdict == Verdict::possible);
    CHECK(far.owed.messages == 1);
    remove(net[0], "2", true);
    CHECK(net[0].exchange->status(net[0].now).agents.empty());
    CHECK(buried(net[0]) == 1);
    CHECK(net[0].balances());
}

TEST_CASE("a peer that was removed and is added again gets what comes then, once") {
    for (const bool with_another_key : {false, true}) {
        CAPTURE(with_another_key);
        Network net{2, {{0, 1}}, {}};
        subscribe(net[1]);
        net.settle();
        net[0].open(app, producer);
        for (std::uint64_t n = 1; n <= 3; ++n) net[0].publish(app, n, news(n));
        net.settle();
        CHECK(read_marks(net[1]) == Texts{"1", "2", "3"});
        net.settle();
        PeerSettings entry = net[0].settings.peers.front();
        remove(net[0], "1", false);
        net.disconnect(0, 1);
        if (with_another_key) entry.keys = {"another", "key-1"};
        if (with_another_key) entry.name = "new";
        const auto stored = net[0].changes<PutPeer>();
        add_back(net[0], entry);
        net.connect(0, 1);
        net.settle();
        CHECK(net[0].changes<PutPeer>() > stored);
        net[0].publish(app, 4, news(4));
        net.settle();
        CHECK(read_marks(net[1]) == Texts{"4"});
        CHECK(net[0].balances());
    }
}
