// Late joiners: a subscription that asks for last values gets them first, marked,
// of this host and of others, then what comes live.
#include "network.h"
#include "stories.h"

namespace {

const ChannelSettings retained{.channels = {.kind = wire::Kind::topic, .filter = "prices.**"},
                               .waiting = {},
                               .retain_last = true};
const ProducerId other_producer{{8, 8}};
constexpr SessionId late{30};

Batch price(std::uint64_t sequence, const std::string& channel = "prices.oil",
            const ProducerId& by = producer, std::uint64_t created_micros = 0) {
    return make_batch({.channel = channel,
                       .producer = by,
                       .sequence = sequence,
                       .created_micros = created_micros});
}

void retain(Host& host) {
    host.settings.channels = {retained};
    host.exchange->reload(host.settings, host.now);
}

wire::Subscribe wish(const std::string& durable = "", bool last = true) {
    wire::Subscribe command;
    command.id = 1;
    command.filter = "prices.*";
    command.durable = durable;
    command.last = last;
    return command;
}

void join(Host& host, const std::string& durable = "", SessionId session = late, bool last = true) {
    host.open(session, ProducerId{{session.value, 99}});
    host.subscribe(session, wish(durable, last));
}

// What has come, acknowledged; what was retained with an L, what came marked with an asterisk.
Texts take(Host& host, SessionId of = late) {
    Texts found;
    while (!host.deliveries.empty()) {
        const auto [session, delivery] = host.deliveries.front();
        host.deliveries.pop_front();
        if (session == of)
            found.push_back(std::to_string(delivery.batch.header().sequence) +
                            (delivery.envelope.retained() ? "L" : "") +
                            (delivery.envelope.redelivered() ? "*" : ""));
        host.ack(session, delivery);
    }
    return found;
}

// How often the journal was told that somebody asks for last values.
std::size_t wishes(const Host& host) {
    std::size_t found = 0;
    for (const auto& transaction : host.transactions)
        for (const auto& change : transaction.changes)
            if (const auto* put = std::get_if<PutInterest>(&change))
                found += wire::is_late_joiner(put->group) ? 1 : 0;
    return found;
}

std::string refusal(const Host& host) {
    const auto* failed = std::get_if<wire::Failed>(&host.replies.back());
    return failed == nullptr ? "" : failed->reason;
}

struct Paris : Host {
    explicit Paris(Recovered recovered = {}, std::uint64_t at_incarnation = 1'000)
        : Host("a", 1, {}, std::move(recovered), at_incarnation) {
        retain(*this);
        open(app, producer);
    }
};

// a retains what is published there; b has late joiners.
struct Pair : TwoHosts {
    Pair() {
        retain(a);
        a.open(app, producer);
    }
    void publish(std::uint64_t number, const Batch& batch) {
        a.publish(app, number, batch);
        settle();
    }
    void join(const std::string& durable = "", SessionId session = late) {
        ::join(b, durable, session);
        settle();
    }
    Texts taken(SessionId of = late) {
        auto found = take(b, of);
        settle();
        return found;
    }
};

}  // namespace

TEST_CASE("a late joiner gets the last message of each channel first, marked, then what is live") {
    Paris host;
    host.publish(app, 1, price(1));
    host.publish(app, 2, price(2));
    host.publish(app, 3, price(3, "prices.gold"));
    join(host);
    host.publish(app, 4, price(4));
    CHECK(take(host) == Texts{"3L", "2L", "4"});
    CHECK(host.balances());
}

TEST_CASE("who does not ask gets none, and nobody else gets what a late joiner gets") {
    Paris host;
    host.publish(app, 1, price(1));
    join(host, "", SessionId{31}, false);
    join(host);
    CHECK(take(host, SessionId{31}) == Texts{});
    join(host, "", SessionId{32}, false);
    CHECK(take(host, SessionId{32}) == Texts{});
}

TEST_CASE("an expired value is not handed out") {
    Paris host;
    host.publish(app, 1,
                 make_batch({.channel = "prices.oil", .producer = producer, .ttl_millis = 5'000}));
    join(host);
    CHECK(take(host) == Texts{"1L"});
    host.leave(late);
    host.pass(5s);
    join(host, "", SessionId{33});
    CHECK(take(host, SessionId{33}) == Texts{});
}

TEST_CASE("a durable subscription gets them when it is created, not when its app comes back") {
    Paris host;
    host.publish(app, 1, price(1));
    join(host, "board");
    CHECK(take(host) == Texts{"1L"});
    host.leave(late);
    join(host, "board");
    CHECK(take(host) == Texts{});
}

TEST_CASE("declared, it has them when its app comes") {
    Paris host;
    host.publish(app, 1, price(1));
    auto declared = wish("board");
    declared.declare = true;
    host.open(late, ProducerId{{30, 99}});
    host.subscribe(late, declared);
    host.publish(app, 2, price(2));
    host.leave(late);
    join(host, "board");
    CHECK(take(host) == Texts{"1L", "2"});
}

TEST_CASE("a group, a queue and a service have none to ask for, and the refusal says so") {
    Paris host;
    host.open(late, ProducerId{{30, 99}});
    auto command = wish();
    command.group = "crew";
    host.subscribe(late, command);
    CHECK(refusal(host).find("\"last\" or \"group\", not both") != std::string::npos);
    command.group.clear();
    command.filter = "prices";
    command.kind = wire::Kind::queue;
    host.subscribe(late, command);
    CHECK(refusal(host).find("only topics keep last values") != std::string::npos);
    command = wish();
    command.filter = std::string(limits::late_joiner_filter_bytes_max + 1, 'x');
    host.subscribe(late, command);
    CHECK(refusal(host).find("at most 210 characters") != std::string::npos);
    command = wish();
    command.group = "_last.1.1";
    command.last = false;
    host.subscribe(late, command);
    CHECK(refusal(host).find("the agents' own") != std::string::npos);
}

TEST_CASE("last values outlive the agent that kept them") {
    Recovered found;
    found.agent = AgentId{{1, 1}};
    found.last_values.push_back({price(7), 0});
    Settings settings;
    Host host("a", 1, {});
    host.settings.channels = {retained};
    host.exchange = std::make_unique<Exchange>(host.settings, 2'000, std::move(found), host.now,
                                               1'700'000'000'000'000);
    host.turn();
    join(host);
    CHECK(take(host) == Texts{"7L"});
}

TEST_CASE("a late joiner on another host gets the last value, in front of what is live") {
    Pair two;
    two.connect();
    two.publish(1, price(1));
    two.publish(2, price(2));
    two.join();
    two.publish(3, price(3));
    CHECK(two.taken() == Texts{"2L", "3"});
    CHECK(two.a.balances());
    CHECK(two.b.balances());
}

TEST_CASE("each late joiner of a host gets it once, and no other subscription there") {
    Pair two;
    two.connect();
    two.publish(1, price(1));
    join(two.b, "", SessionId{31}, false);
    two.settle();
    two.join();
    CHECK(two.taken() == Texts{"1L"});
    CHECK(two.taken(SessionId{31}) == Texts{});
    two.join("", SessionId{32});
    CHECK(two.taken(SessionId{32}) == Texts{"1L"});
    CHECK(two.taken() == Texts{});
}

TEST_CASE("while the link is down a late joiner waits, and gets what is the last then") {
    Pair two;
    two.publish(1, price(1));
    two.join("board");
    CHECK(two.taken() == Texts{});
    two.publish(2, price(2));
    two.connect();
    CHECK(two.taken() == Texts{"2L"});
    two.disconnect();
    two.connect();
    CHECK(two.taken() == Texts{});  // it was answered
}

TEST_CASE("who left before the answer came misses nothing, and no letter dies for it") {
    Pair two;
    two.connect();
    two.publish(1, price(1));
    join(two.b);
    two.b.exchange->on_command(late, wire::Unsubscribe{.id = 1}, two.b.now);
    two.settle();
    CHECK(two.taken() == Texts{});
    CHECK(two.a.changes<Bury>() == 0);
    CHECK(two.a.balances());
    CHECK(two.b.balances());
}

TEST_CASE("a last value is not handed out behind a newer message of its channel") {
    Pair two;
    two.publish(1, price(1, "prices.oil", producer, 10));
    two.b.open(app, other_producer);
    two.join();
    // Published here since; the other host's is older, and comes later.
    two.b.publish(app, 1, price(5, "prices.oil", other_producer, 20));
    two.connect();
    CHECK(two.taken() == Texts{"5"});
    CHECK(two.b.balances());
}

TEST_CASE("of several hosts that retain a channel the newest comes last, or alone") {
    Pair two;
    retain(two.b);
    two.b.open(app, other_producer);
    two.b.publish(app, 1, price(5, "prices.oil", other_producer, 20));
    two.b.publish(app, 2, price(6, "prices.gold", other_producer, 20));
    two.publish(1, price(1, "prices.oil", producer, 30));
    two.publish(2, price(2, "prices.gold", producer, 10));
    two.join();
    two.connect();
    CHECK(two.taken() == Texts{"6L", "5L", "1L"});
}

TEST_CASE("what a peer may not have does not go there, whatever it asks for") {
    Pair two;
    two.a.settings.peers.front().may = Permissions{.publish = {"**"}, .subscribe = {"news"}};
    two.a.exchange->reload(two.a.settings, two.a.now);
    two.connect();
    two.publish(1, price(1));
    two.join();
    CHECK(two.taken() == Texts{});
    CHECK(two.a.changes<Put>() == 0);
}

TEST_CASE("last values cross relays, to the host that asked and to no other") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    retain(net[0]);
    net[0].open(app, producer);
    net[0].publish(app, 1, price(1));
    net.settle();
    join(net[1], "", SessionId{31}, false);
    join(net[2]);
    net.settle();
    CHECK(take(net[2]) == Texts{"1L"});
    CHECK(take(net[1], SessionId{31}) == Texts{});
    net.settle();
    for (int host = 0; host < 3; ++host) CHECK(net[host].balances());
}

TEST_CASE("that somebody has asked is written when the answer is safe, so a crash repeats it") {
    Pair two;
    two.connect();
    two.publish(1, price(1));
    two.a.journal_answers = false;
    two.join("board");
    CHECK(wishes(two.a) == 0);
    two.a.journal_answers = true;
    two.a.commit();
    two.settle();
    two.pass(1s);
    CHECK(wishes(two.a) == 1);
    CHECK(two.taken() == Texts{"1L"});
}

TEST_CASE("who is known to have asked is not answered again after a restart of whoever answered") {
    const auto asks = [](const std::vector<PutInterest>& known) {
        Pair two;
        two.join("board");
        Recovered found;
        found.agent = AgentId{{1, 1}};
        found.last_values.push_back({price(7), 0});
        found.interest = known;
        two.a.exchange = std::make_unique<Exchange>(two.a.settings, 2'000, std::move(found),
                                                    two.a.now, 1'700'000'000'000'000);
        two.a.turn();
        two.connect();
        return two.taken();
    };
    CHECK(asks({}) == Texts{"7L"});
    const std::string own_name = wire::late_joiner_name(1'000, 1);
    CHECK(asks({{.peer = AgentId{{2, 2}}, .group = own_name, .filter = "prices.*"}}) == Texts{});
}

TEST_CASE("an agent that restarts goes on asking, under the same name") {
    Recovered found;
    found.agent = AgentId{{2, 2}};
    found.last_destination = DestinationId{1};
    const std::string own_name = wire::late_joiner_name(1'000, 1);
    found.destinations.push_back({.type = Destination::Type::durable,
                                  .id = DestinationId{1},
                                  .kind = wire::Kind::topic,
                                  .name = "board",
                                  .filter = "prices.*",
                                  .group = own_name});
    Pair two;
    two.publish(1, price(1));
    two.b.exchange = std::make_unique<Exchange>(two.b.settings, 2'000, std::move(found), two.b.now,
                                                1'700'000'000'000'000);
    two.b.turn();
    two.connect();
    two.join("board");
    CHECK(two.taken() == Texts{"1L"});
}

TEST_CASE("an app that comes back within its linger is not answered again") {
    Paris host;
    host.publish(app, 1, price(1));
    join(host);
    CHECK(take(host) == Texts{"1L"});
    host.leave(late);
    join(host);
    CHECK(take(host) == Texts{});
}

TEST_CASE("what is redelivered to a late joiner is marked as both") {
    Paris host;
    host.publish(app, 1, price(1));
    join(host);
    const auto delivery = host.next_delivery();
    REQUIRE(delivery);
    host.ack(late, *delivery, wire::Verdict::nack);
    CHECK(take(host) == Texts{"1L*"});
}
