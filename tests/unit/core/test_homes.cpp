// Homed queues: one agent keeps all of it, wherever it is sent to and consumed.
#include "network.h"
#include "stories.h"
#include "wire/homed.h"

namespace {

constexpr SessionId worker{20}, other_worker{21};

Batch order(std::uint64_t sequence, const std::vector<std::string>& keys = {},
            wire::Mode mode = wire::Mode::guaranteed) {
    return make_batch({.kind = wire::Kind::queue,
                       .mode = mode,
                       .channel = "orders",
                       .producer = producer,
                       .sequence = sequence,
                       .messages = std::max<std::uint32_t>(1, std::uint32_t(keys.size())),
                       .keys = keys});
}

wire::Subscribe receive(std::uint32_t prefetch = 1'000) {
    wire::Subscribe command;
    command.id = 1;
    command.kind = wire::Kind::queue;
    command.filter = "orders";
    command.prefetch_messages = prefetch;
    return command;
}

void keep_at(Host& host, const std::string& home, bool exclusive = false) {
    ChannelSettings said{.channels = {.kind = wire::Kind::queue, .filter = "orders"},
                         .waiting = {}};
    said.home = home;
    said.exclusive = exclusive;
    host.settings.channels = {said};
    host.exchange->reload(host.settings, host.now);
    host.turn();
}

void employ(Host& host, SessionId session = worker, std::uint32_t prefetch = 1'000) {
    host.open(session, ProducerId{{session.value, 99}});
    host.subscribe(session, receive(prefetch));
}

std::string word_of(const SendBatch& delivery) {
    return std::to_string(delivery.batch.header().sequence + delivery.envelope.first) +
           (delivery.envelope.redelivered() ? "*" : "");
}

// What has come to that host's consumers, by their first messages; all acknowledged.
Texts work(Host& host) {
    Texts done;
    while (!host.deliveries.empty()) {
        const auto [session, delivery] = host.deliveries.front();
        host.deliveries.pop_front();
        done.push_back(word_of(delivery));
        host.ack(session, delivery);
    }
    return done;
}

Texts from_to(int first, int last, const std::string& mark = "") {
    Texts all;
    for (int n = first; n <= last; ++n) all.push_back(std::to_string(n) + mark);
    return all;
}

template <class T>
std::vector<T> replies_of(const Host& host) {
    std::vector<T> found;
    for (const auto& reply : host.replies)
        if (const auto* one = std::get_if<T>(&reply)) found.push_back(*one);
    return found;
}

std::uint64_t waiting_at(Host& host) {
    for (const auto& one : host.exchange->status(host.now).groups)
        if (one.type == "queue" && one.name == "orders") return one.waiting_messages;
    return 0;
}

// Works and lets the rest come, until nothing more does.
Texts work_all(Network& net, int host) {
    Texts all;
    for (;;) {
        net.settle();
        const Texts some = work(net[host]);
        if (some.empty()) return all;
        all.insert(all.end(), some.begin(), some.end());
    }
}

// 0 publishes, 1 is between it and 2.
struct Homed : Network {
    explicit Homed(const std::string& home, bool exclusive = false)
        : Network{3, {{0, 1}, {1, 2}}, {1}} {
        for (int host = 0; host < 3; ++host) keep_at((*this)[host], home, exclusive);
        (*this)[0].open(app, producer);
        settle();
    }
    void publish(std::uint64_t first, std::uint64_t last) {
        for (auto n = first; n <= last; ++n) {
            (*this)[0].publish(app, n, order(n));
            settle();
        }
    }
    bool balance() {
        for (int host = 0; host < 3; ++host)
            if (!(*this)[host].balances()) return false;
        return true;
    }
};

// A host that keeps the queue, with a producer.
struct Keeping : Host {
    explicit Keeping(bool exclusive = false) : Host{"a", 1, {}} {
        keep_at(*this, "a", exclusive);
        open(app, producer);
    }
};

}  // namespace

TEST_CASE("what is sent to a homed queue waits at its home, whoever consumes it elsewhere") {
    Homed net{"1"};
    net.publish(1, 5);
    CHECK(waiting_at(net[0]) == 0);
    CHECK(waiting_at(net[1]) == 5);
    employ(net[2]);
    CHECK(work_all(net, 2) == from_to(1, 5));
    CHECK(waiting_at(net[1]) == 0);
    CHECK(replies_of<wire::Subscribed>(net[2]).size() == 1);
    CHECK(net.balance());
}

TEST_CASE("a homed queue is consumed across a relay, also by the host that sends to it") {
    Homed net{"2"};
    employ(net[0]);
    net.pass(2s);  // the relay tells of the way back first
    net.publish(1, 5);
    CHECK(work_all(net, 0) == from_to(1, 5));
    CHECK(waiting_at(net[2]) == 0);
    CHECK(net.balance());
}

TEST_CASE("consumers of several hosts share a homed queue by their room") {
    Homed net{"1"};
    employ(net[1]);
    employ(net[2]);
    net.publish(1, 20);
    Texts all = work(net[1]);
    const Texts others = work(net[2]);
    CHECK(all.size() == 10);
    CHECK(others.size() == 10);
    net.settle();
    CHECK(waiting_at(net[1]) == 0);
}

TEST_CASE("sender and home need not meet: what is for the home waits where it can be kept") {
    Homed net{"2"};
    net.publish(1, 1);
    net.disconnect(1, 2);
    net.publish(2, 4);
    CHECK(replies_of<wire::Refused>(net[0]).empty());
    net.disconnect(0, 1);
    net.connect(1, 2);
    net.settle();
    CHECK(waiting_at(net[2]) == 4);
    employ(net[2]);
    CHECK(work_all(net, 2) == from_to(1, 4));
}

TEST_CASE("until its agent has met the home, a homed queue is refused by name") {
    Host a{"a", 1, {peer("hub")}};
    keep_at(a, "hub");
    a.open(app, producer);
    a.publish(app, 1, order(1));
    const auto refused = replies_of<wire::Refused>(a);
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].code == wire::Reject::unavailable);
    CHECK(refused[0].reason ==
          "orders is kept by hub (\"home\"), which this agent has not met yet: the link to hub has "
          "not been up yet");
    employ(a);
    const auto failed = replies_of<wire::Failed>(a);
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].reason == refused[0].reason);
    CHECK(a.exchange->status(a.now).groups.empty());  // no queue is begun for it
}

TEST_CASE("a mistyped home is told with the name that was probably meant") {
    Host a{"a", 1, {peer("paris")}};
    keep_at(a, "pariss");
    a.open(app, producer);
    a.publish(app, 1, order(1));
    const auto refused = replies_of<wire::Refused>(a);
    REQUIRE(refused.size() == 1);
    CHECK(
        refused[0].reason ==
        "orders is kept by pariss (\"home\"), which this agent has not met yet: no agent pariss is "
        "known here; did you mean \"paris\"?");
}

TEST_CASE("who asks about a queue that another agent keeps hears of that, and of nothing else") {
    Homed net{"1"};
    net[2].exchange->reload(net[2].settings, net[2].now);
    const auto words = [&] {
        std::string all;
        for (const auto& one : net[2].exchange->diagnose_why("orders", net[2].now).findings)
            if (one.about == "queue orders") all += one.words + "\n";
        return all;
    };
    CHECK(words() ==
          "1 keeps it and is within reach; of this host it has 0 consumers. `bus why "
          "orders` at 1 tells more\n");
    const auto route = net[2].exchange->diagnose_route(wire::Kind::queue, "orders", net[2].now);
    CHECK(route.here.empty());
    REQUIRE(route.there.size() == 1);
    CHECK(route.there[0].name == "1");
    net.disconnect(1, 2);
    net.pass(5s);
    CHECK(words() ==
          "1 keeps it and is out of reach: what is sent waits here, and consumers of "
          "this host get nothing until then\n");
}

TEST_CASE("the home's name outlives a restart, also of one that is no neighbour") {
    Homed net{"2"};
    net.publish(1, 1);
    Recovered found;
    found.agent = AgentId{{1, 1}};
    found.last_destination = DestinationId{50};
    for (const auto& transaction : net[0].transactions)
        for (const auto& change : transaction.changes)
            if (const auto* put = std::get_if<PutDestination>(&change))
                if (put->destination.type == Destination::Type::agent) {
                    std::erase_if(found.destinations, [&](const Destination& before) {
                        return before.id == put->destination.id;
                    });
                    found.destinations.push_back(put->destination);
                }
    Host again{"0", 1, {peer("1")}, found, 2'000};
    keep_at(again, "2");
    again.open(app, producer);
    again.publish(app, 2, order(2));
    CHECK(replies_of<wire::Refused>(again).empty());
}

TEST_CASE("a consumer elsewhere that is lost gives back what it had, marked, in order") {
    Homed net{"1"};
    employ(net[2], worker, 3);
    net.publish(1, 5);
    CHECK(net[2].deliveries.size() == 3);
    net[2].deliveries.clear();
    net[2].leave(worker);
    net.settle();
    employ(net[2], other_worker);
    net.pass(10s);  // with caution
    Texts all;
    for (int i = 0; i < 5; ++i) {
        const Texts some = work_all(net, 2);
        all.insert(all.end(), some.begin(), some.end());
        net.pass(2s);
    }
    CHECK(all == Texts{"1*", "2*", "3*", "4", "5"});
    CHECK(waiting_at(net[1]) == 0);
}

TEST_CASE(
    "a home that is out of reach takes back what consumers there have, and they go on later") {
    Homed net{"1"};
    employ(net[2]);
    net.publish(1, 3);
    std::vector<SendBatch> had;
    while (auto delivery = net[2].next_delivery()) had.push_back(*delivery);
    REQUIRE(had.size() == 3);
    net.disconnect(1, 2);
    net.pass(10s);
    employ(net[1]);
    CHECK(work_all(net, 1) == Texts{"1*", "2*", "3*"});
    net[1].leave(worker);
    // Acknowledged too late: it is not counted for anything.
    net[2].ack(worker, had[0]);
    net.connect(1, 2);
    net.pass(5s);
    net.publish(4, 6);
    CHECK(work_all(net, 2) == from_to(4, 6));
    CHECK(net.balance());
}

TEST_CASE("an acknowledgement of what another start of the home handed out settles nothing") {
    Homed net{"1"};
    employ(net[2]);
    net.publish(1, 1);
    const auto had = net[2].next_delivery();
    REQUIRE(had.has_value());
    net.restart(1);  // with it goes what it kept
    keep_at(net[1], "1");
    net.connect(0, 1);
    net.connect(1, 2);
    net.settle();
    net.publish(2, 2);
    net[2].ack(worker, *had);
    net.pass(20s);
    CHECK(waiting_at(net[1]) == 1);
    CHECK(work_all(net, 2) == Texts{"2"});
    CHECK(waiting_at(net[1]) == 0);
}

TEST_CASE(
    "what a consumer elsewhere gives back comes again, and what it rejects is a dead letter") {
    Homed net{"1"};
    employ(net[2]);
    net[0].publish(app, 1, order(1, {"", "", ""}));
    net.settle();
    const auto all = net[2].next_delivery();
    REQUIRE(all.has_value());
    CHECK(all->envelope.messages == 3);
    const auto say = [&](std::uint32_t at, wire::Verdict verdict) {
        const wire::Ack one{
            .tag = all->envelope.number, .first = at, .count = 1, .verdict = verdict, .reason = {}};
        net[2].exchange->on_acks(worker, {&one, 1}, net[2].now);
        net.settle();
    };
    say(0, wire::Verdict::ack);
    say(1, wire::Verdict::nack);
    say(2, wire::Verdict::reject);
    CHECK(net[1].changes<Bury>() == 1);
    CHECK(waiting_at(net[1]) == 1);
    net.pass(2s);
    CHECK(work_all(net, 2) == Texts{"2*"});
    CHECK(waiting_at(net[1]) == 0);
}

TEST_CASE("what a relay takes along of deliveries is handed out again, marked") {
    Homed net{"2"};
    employ(net[0]);
    net.pass(2s);
    net.disconnect(0, 1);  // for less than a flap: the home hands out
    net[2].open(app, producer);
    net[2].publish(app, 1, order(1));
    net.settle();
    CHECK(net.batches(2, 1) > 0);
    net.restart(1);
    net.connect(0, 1);
    net.connect(1, 2);
    net.settle();
    CHECK(net[0].deliveries.empty());
    net[2].publish(app, 2, order(2));
    net.pass(20s);
    CHECK(work_all(net, 0) == Texts{"1*", "2*"});
    CHECK(waiting_at(net[2]) == 0);
}

TEST_CASE("that acknowledgements were lost shows, and they are not taken for given") {
    Homed net{"2"};
    employ(net[0]);
    net.pass(2s);
    net[2].open(app, producer);
    net[2].publish(app, 1, order(1));
    net.settle();
    const auto had = net[0].next_delivery();
    REQUIRE(had.has_value());
    net.disconnect(1, 2);
    net[0].ack(worker, *had);
    net.settle();  // it is with the relay
    net.restart(1);
    net.connect(0, 1);
    net.connect(1, 2);
    net.pass(20s);
    CHECK(work_all(net, 0) == Texts{"1*"});
    CHECK(waiting_at(net[2]) == 0);
}

TEST_CASE(
    "messages of one key are handed out one at a time and in order, also when one comes back") {
    Keeping host;
    employ(host);
    host.publish(app, 1, order(1, {"x", "x", "y", "", "x"}));
    Texts out;
    std::vector<SendBatch> had;
    const auto take = [&] {
        Texts some;
        while (auto delivery = host.next_delivery()) {
            some.push_back(word_of(*delivery));
            had.push_back(*delivery);
        }
        return some;
    };
    CHECK(take() == Texts{"1", "3", "4"});
    host.ack(worker, had[0], wire::Verdict::nack);
    CHECK(take() == Texts{"1*"});
    host.ack(worker, had.back(), wire::Verdict::nack);
    CHECK(take().empty());  // the key waits
    host.publish(app, 6, order(6, {"z", "x"}));
    CHECK(take() == Texts{"6"});  // not the queue
    host.pass(2s);
    CHECK(take() == Texts{"1*"});
    host.ack(worker, had.back());
    CHECK(take() == Texts{"2"});
    host.ack(worker, had.back());
    CHECK(take() == Texts{"5"});
    host.ack(worker, had.back());
    CHECK(take() == Texts{"7"});
    for (const SendBatch& one : had) host.ack(worker, one);
    CHECK(waiting_at(host) == 0);
    CHECK(host.balances());
}

TEST_CASE("a key stays with its consumer, and waits for it while others are served") {
    Keeping host;
    employ(host, worker, 1);
    employ(host, other_worker, 1);
    std::map<std::string, SessionId> whose;
    std::uint64_t number = 0;
    const auto send = [&](const std::string& key) {
        ++number;
        host.publish(app, number, order(number, {key}));
    };
    const std::vector<std::string> keys{"a", "b", "c", "d", "e", "f", "g", "h"};
    for (int round = 0; round < 3; ++round)
        for (const auto& key : keys) {
            send(key);
            REQUIRE(host.deliveries.size() == 1);
            const auto [session, delivery] = host.deliveries.front();
            host.deliveries.pop_front();
            CHECK(whose.emplace(key, session).first->second == session);
            host.ack(session, delivery);
        }
    std::string of_worker, of_other;
    for (const auto& [key, session] : whose) (session == worker ? of_worker : of_other) = key;
    REQUIRE(!of_worker.empty());
    REQUIRE(!of_other.empty());
    send(of_worker);
    send(of_worker);
    send(of_other);
    CHECK(host.deliveries.size() == 2);  // the second of the key waits, the other key does not
    // Its consumer is gone: another has the key, once what was out is back.
    host.deliveries.clear();
    host.leave(worker);
    host.pass(1s);
    CHECK(host.deliveries.empty());  // the other one is at work
    host.leave(other_worker);
    employ(host, SessionId{22});
    Texts all;
    for (int i = 0; i < 8; ++i) {
        const Texts some = work(host);
        all.insert(all.end(), some.begin(), some.end());
        host.pass(1s);
    }
    CHECK(all == Texts{"25*", "26", "27*"});
}

TEST_CASE("many messages of one key wait on disk, and do not stop the queue before their bound") {
    Keeping host;
    employ(host, worker, 10);
    std::uint64_t number = 0;
    for (std::size_t n = 0; n < limits::keys_waiting_in_memory + 50; ++n) {
        ++number;
        host.publish(app, number, order(number, {"hot"}));
    }
    ++number;
    host.publish(app, number, order(number, {"cold"}));
    CHECK(host.deliveries.size() == 2);
    Texts all;
    for (std::uint64_t n = 0; n < number && all.size() < number; ++n) {
        const Texts some = work(host);
        all.insert(all.end(), some.begin(), some.end());
        host.recall();
    }
    REQUIRE(all.size() == number);
    std::erase(all, std::to_string(number));
    CHECK(all == from_to(1, int(number) - 1));
    CHECK(waiting_at(host) == 0);
    CHECK(host.balances());
}

TEST_CASE("an exclusive consumer has everything, and the next one takes its place") {
    Homed net{"1", true};
    employ(net[2]);
    net.settle();
    employ(net[1]);
    net.publish(1, 3);
    CHECK(net[1].deliveries.empty());
    CHECK(work(net[2]) == from_to(1, 3));
    net.settle();
    net.publish(4, 5);
    CHECK(net[2].deliveries.size() == 2);
    net[2].exchange->on_command(worker, wire::Unsubscribe{.id = 1}, net[2].now);
    net.settle();
    CHECK(work_all(net, 1) == Texts{"4*", "5*"});
}

TEST_CASE("a queue that gets a home gives it what it had, and its consumers are told") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    net[0].open(app, producer);
    for (int n = 1; n <= 3; ++n) net[0].publish(app, std::uint64_t(n), order(std::uint64_t(n)));
    net.settle();
    CHECK(waiting_at(net[0]) == 3);
    keep_at(net[2], "2");
    net.settle();
    CHECK(waiting_at(net[2]) == 3);  // also from an agent that does not know of the home
    employ(net[1]);
    CHECK(work(net[1]).empty());
    keep_at(net[1], "2");
    const auto failed = replies_of<wire::Failed>(net[1]);
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].code == wire::Reject::unavailable);
    net[1].subscribe(worker, receive());
    Texts all = work_all(net, 1);
    for (std::string& one : all) std::erase(one, '*');
    CHECK(all == from_to(1, 3));
}

TEST_CASE("who does not keep the queue says so to whom takes it for the home") {
    Network net{2, {{0, 1}}, {}};
    keep_at(net[0], "1");
    net.settle();
    employ(net[0]);
    net.settle();
    const auto failed = replies_of<wire::Failed>(net[0]);
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].reason ==
          "1 does not keep orders: its configuration gives the queue no \"home\", or another");
}

TEST_CASE("best effort reaches a consumer elsewhere, or is dropped") {
    Homed net{"1"};
    net[0].publish(app, 0, order(1, {}, wire::Mode::best_effort));
    net.settle();
    employ(net[2]);
    net.settle();
    net[0].publish(app, 0, order(2, {}, wire::Mode::best_effort));
    CHECK(work_all(net, 2) == Texts{"2"});
}

TEST_CASE("of a homed queue no program may speak to its agents' own channel") {
    Keeping host;
    host.publish(app, 1,
                 make_batch({.kind = wire::Kind::service,
                             .channel = std::string{wire::homed_channel},
                             .producer = producer}));
    const auto refused = replies_of<wire::Refused>(host);
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].code == wire::Reject::bad_name);
}

TEST_CASE("what a consumer elsewhere acknowledged before it left is acknowledged") {
    Homed net{"1"};
    employ(net[2]);
    net.publish(1, 2);
    Host& host = net[2];
    while (!host.deliveries.empty()) {  // in one turn
        const auto delivery = host.deliveries.front().second;
        host.deliveries.pop_front();
        const wire::Ack one{.tag = delivery.envelope.number, .first = 0, .count = 1};
        host.exchange->on_acks(worker, {&one, 1}, host.now);
    }
    host.exchange->on_command(worker, wire::Unsubscribe{.id = 1}, host.now);
    net.settle();
    CHECK(waiting_at(net[1]) == 0);
}

TEST_CASE("a queue that floats again lets go on what waited for its key") {
    Keeping host;
    employ(host, worker, 1);
    for (std::uint64_t n = 1; n <= 4; ++n) host.publish(app, n, order(n, {"x"}));
    CHECK(host.deliveries.size() == 1);
    keep_at(host, "");
    CHECK(work(host) == from_to(1, 4));
    CHECK(waiting_at(host) == 0);
}

TEST_CASE("what was handed out in part when its queue got a home goes there as well") {
    Network net{2, {{0, 1}}, {}};
    net[0].open(app, producer);
    employ(net[0]);
    net[0].publish(app, 1, order(1, {"", "", ""}));
    const auto all = net[0].next_delivery();
    REQUIRE(all.has_value());
    const wire::Ack one{.tag = all->envelope.number, .first = 0, .count = 1};
    net[0].exchange->on_acks(worker, {&one, 1}, net[0].now);
    keep_at(net[1], "1");
    keep_at(net[0], "1");  // its consumer is told, and asks again
    net.settle();
    CHECK(waiting_at(net[0]) == 0);
    CHECK(waiting_at(net[1]) == 2);
    net[0].subscribe(worker, receive());
    net[0].publish(app, 2, order(4));
    Texts done = work_all(net, 0);
    std::sort(done.begin(), done.end());
    CHECK(done == Texts{"2*", "4"});
    CHECK(waiting_at(net[0]) == 0);
    CHECK(waiting_at(net[1]) == 0);
}

TEST_CASE("a drain that is undone leaves a moved queue on its way") {
    Network net{3, {{0, 1}, {1, 2}}, {}};
    net[0].open(app, producer);
    employ(net[1]);
    net.settle();
    net[0].publish(app, 1, order(1));  // is for host 1 now
    net.settle();
    net[1].leave(worker);
    keep_at(net[2], "2");
    net.settle();
    net.disconnect(1, 2);
    keep_at(net[1], "2");
    net[1].exchange->drain(true, net[1].now);
    net[1].exchange->drain(false, net[1].now);
    net.connect(1, 2);
    net.settle();
    CHECK(waiting_at(net[1]) == 0);
    CHECK(waiting_at(net[2]) == 1);
}

TEST_CASE("who may not send to it makes no queue") {
    Keeping host;
    host.settings.rules[1000] = Permissions{};
    host.exchange->reload(host.settings, host.now);
    host.publish(app, 1, order(1));
    CHECK(replies_of<wire::Refused>(host).size() == 1);
    CHECK(host.exchange->status(host.now).groups.empty());
}

TEST_CASE("a home that is drained hears what consumers elsewhere decide") {
    Homed net{"1"};
    employ(net[2]);
    net.publish(1, 3);
    net[1].exchange->drain(true, net[1].now);
    net.settle();
    CHECK(work_all(net, 2) == from_to(1, 3));
    CHECK(waiting_at(net[1]) == 0);
}

TEST_CASE("a neighbour without trust for others speaks for nobody else's consumers") {
    // 0 keeps the queue; 1 has a consumer, behind 2, of which 0 believes nothing about others.
    Network net{3, {{0, 2}, {1, 2}}, {2}};
    for (auto& peer : net[0].settings.peers) peer.relays = false;
    net[0].exchange->reload(net[0].settings, net[0].now);
    for (int host = 0; host < 3; ++host) keep_at(net[host], to_text(net[0].settings.agent));
    net[0].open(app, producer);
    employ(net[1]);
    net.pass(5s);
    net[0].publish(app, 1, order(1));
    net.settle();
    CHECK(net[1].deliveries.empty());
    CHECK(waiting_at(net[0]) == 1);
    employ(net[2]);
    net.pass(5s);
    CHECK(work_all(net, 2) == Texts{"1"});
}

TEST_CASE("who is refused by the home leaves what was left of the queue here as well") {
    Network net{2, {{0, 1}}, {}};
    net[0].open(app, producer);
    employ(net[0]);
    net[0].publish(app, 1, order(1, {"", "", ""}));
    const auto all = net[0].next_delivery();
    REQUIRE(all.has_value());
    const wire::Ack one{.tag = all->envelope.number, .first = 0, .count = 1};
    net[0].exchange->on_acks(worker, {&one, 1}, net[0].now);
    keep_at(net[0], "1");  // which does not know
    net[0].subscribe(worker, receive());
    net.settle();
    CHECK(replies_of<wire::Failed>(net[0]).size() == 2);  // moved, and not kept there
    net[0].deliveries.clear();
    net[0].subscribe(worker, receive());  // the id is free again
    CHECK(replies_of<wire::Subscribed>(net[0]).size() == 3);
}
