// What may wait for a peer: so many bytes, and so long.
#include "network.h"
#include "stories.h"

namespace {

Batch news(std::uint64_t sequence, std::size_t payload = 5) {
    return make_batch(
        {.channel = "news", .producer = producer, .sequence = sequence, .payload = payload});
}
void bound(Host& host, Bound to) {
    host.settings.peers.front().waiting = to;
    host.exchange->reload(host.settings, host.now);
    host.turn();
}
// 0 waits for 1, which is away.
struct Away : Network {
    Away() : Network{2, {{0, 1}}, {}} {
        subscribe((*this)[1]);
        settle();
        disconnect(0, 1);
        (*this)[0].open(app, producer);
    }
    void publish(std::uint64_t sequence, std::size_t payload = 5) {
        (*this)[0].publish(app, sequence, news(sequence, payload));
    }
};
template <class T>
std::size_t replies(const Host& host) {
    std::size_t count = 0;
    for (const auto& reply : host.replies) count += std::holds_alternative<T>(reply);
    return count;
}
std::vector<std::string> reasons(const Host& host) {
    std::vector<std::string> found;
    for (const auto& transaction : host.transactions)
        for (const auto& change : transaction.changes)
            if (const auto* bury = std::get_if<Bury>(&change)) found.push_back(bury->reason);
    return found;
}

}  // namespace

TEST_CASE("at its bytes a peer's channels are held back, and go on when some have left") {
    Away net;
    bound(net[0], {.bytes = 100'000});
    for (std::uint64_t n = 1; n <= 3; ++n) net.publish(n, 40'000);
    REQUIRE(replies<wire::Hold>(net[0]) == 1);
    CHECK(net[0].exchange->status(net[0].now).links[0].limit_bytes == 100'000);
    bool named = false;
    for (const auto& finding : net[0].exchange->diagnose_why("news", net[0].now).findings)
        named = named || finding.words.find("the limit of its entry") != std::string::npos;
    CHECK(named);
    net.connect(0, 1);
    net.settle();
    CHECK(read(net[1]) == Sequences{1, 2, 3});
    net.settle();
    CHECK(replies<wire::Resume>(net[0]) == 1);
}

TEST_CASE("a higher limit lets them go on at once") {
    Away net;
    bound(net[0], {.bytes = 100'000});
    for (std::uint64_t n = 1; n <= 3; ++n) net.publish(n, 40'000);
    REQUIRE(replies<wire::Hold>(net[0]) == 1);
    bound(net[0], {});
    CHECK(replies<wire::Resume>(net[0]) == 1);
}

TEST_CASE("what has waited too long becomes a dead letter, the oldest first") {
    Away net;
    bound(net[0], {.age = 1h});
    net.publish(1);
    net.pass(30min);
    net.publish(2);
    net.pass(29min);
    CHECK(reasons(net[0]).empty());
    net.pass(2min);
    CHECK(reasons(net[0]) == std::vector<std::string>{"it waited longer than 1 h for 1"});
    net.connect(0, 1);
    net.settle();
    CHECK(read(net[1]) == Sequences{2});
    CHECK(net[0].balances());
}

TEST_CASE("what has left is not overdue") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1]);
    net.settle();
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));
    net.disconnect(0, 1);
    bound(net[0], {.age = 1min});
    net.pass(10min);
    CHECK(reasons(net[0]).empty());
    net.connect(0, 1);
    net.settle();
    CHECK(read(net[1]) == Sequences{1});
}

TEST_CASE("ages go on over a restart, and what is on disk is read for them") {
    constexpr std::uint64_t start = 1'700'000'000'000'000, hour = 3'600'000'000;
    Recovered found = backlog_of({.type = Destination::Type::agent,
                                  .name = {},
                                  .filter = {},
                                  .group = {},
                                  .agent = AgentId{{2, 2}}},
                                 2, BatchId{2});
    found.peers.push_back({.id = AgentId{{2, 2}}, .name = "b", .key = "key-b", .incarnation = 5});
    Host host{"a", 1, {peer("b")}, std::move(found)};
    bound(host, {.age = 2h});
    host.pass(1s);
    REQUIRE(host.reads.size() == 1);
    Loaded answer{.request = host.reads.front(), .entries = {}, .last = true};
    for (const std::uint64_t id : {1, 2})
        answer.entries.push_back({.id = BatchId{id},
                                  .batch = news(id),
                                  .messages = 1,
                                  .source = {},
                                  .taken_wall_micros = start - (id == 1 ? 3 : 1) * hour});
    host.exchange->on_journal(answer, host.now);
    host.turn();
    CHECK(reasons(host).size() == 1);
    CHECK(host.exchange->status(host.now).agents[0].oldest_millis >= 3'600'000);
    host.pass(59min);
    CHECK(reasons(host).size() == 1);
    host.pass(2min);
    CHECK(reasons(host).size() == 2);
    CHECK(host.balances());
}
