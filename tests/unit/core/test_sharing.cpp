// Subscription groups: one copy of each message for all consumers of a group, anywhere.
#include "network.h"
#include "stories.h"

namespace {

constexpr SessionId worker{20};

Batch news(std::uint64_t sequence, const std::string& channel = "news.eu") {
    return make_batch({.channel = channel, .producer = producer, .sequence = sequence});
}

wire::Subscribe wish(const std::string& group, std::uint32_t prefetch, std::uint64_t id) {
    wire::Subscribe command;
    command.id = id;
    command.filter = "news.*";
    command.group = group;
    command.prefetch_messages = prefetch;
    return command;
}

void join(Host& host, SessionId session = worker, std::uint32_t prefetch = 100,
          const std::string& group = "crew") {
    host.open(session, ProducerId{{session.value, 99}});
    host.subscribe(session, wish(group, prefetch, 1));
}

void declare(Host& host) {
    auto wanted = wish("crew", 100, 1);
    wanted.declare = true;
    host.open(worker, ProducerId{{20, 99}});
    host.subscribe(worker, wanted);
}

void leave_for_good(Host& host, SessionId session = worker) {
    host.exchange->on_command(session, wire::Unsubscribe{.id = 1, .forget = true}, host.now);
    host.turn();
}

// What has come to that host's worker, acknowledged; marked with an asterisk.
Texts work(Host& host) {
    Texts done;
    while (!host.deliveries.empty()) {
        const auto [session, delivery] = host.deliveries.front();
        host.deliveries.pop_front();
        done.push_back(std::to_string(delivery.batch.header().sequence) +
                       (delivery.envelope.redelivered() ? "*" : ""));
        host.ack(session, delivery);
    }
    return done;
}

const GroupStatus* crew_at(Host& host, Status& status) {
    status = host.exchange->status(host.now);
    for (const auto& one : status.groups)
        if (one.type == "group" && one.name == "crew") return &one;
    return nullptr;
}

std::uint64_t waiting_at(Host& host) {
    Status status;
    const GroupStatus* const crew = crew_at(host, status);
    REQUIRE(crew != nullptr);
    return crew->waiting_messages;
}

bool has_crew(Host& host) {
    Status status;
    return crew_at(host, status) != nullptr;
}

// 0 publishes; 1 and 2 have workers, or will.
struct Triangle : Network {
    explicit Triangle(const std::set<int>& relays = {}) : Network{3, {{0, 1}, {0, 2}}, relays} {
        (*this)[0].open(app, producer);
    }
    void publish(std::uint64_t first, std::uint64_t last) {
        for (auto n = first; n <= last; ++n) {
            (*this)[0].publish(app, n, news(n));
            settle();
        }
    }
    bool balance() {
        for (int host = 0; host < 3; ++host)
            if (!(*this)[host].balances()) return false;
        return true;
    }
};

}  // namespace

TEST_CASE("a group's consumers on several hosts get one copy of each message between them") {
    Triangle net;
    join(net[1]);
    join(net[2]);
    net.settle();
    net.publish(1, 20);
    Texts all = work(net[1]);
    const Texts others = work(net[2]);
    CHECK(all.size() == 10);  // in turns
    all.insert(all.end(), others.begin(), others.end());
    std::sort(all.begin(), all.end());
    CHECK(std::unique(all.begin(), all.end()) == all.end());
    CHECK(all.size() == 20);
    net.settle();
    CHECK(waiting_at(net[0]) == 0);
    CHECK(net.balance());
}

TEST_CASE("who asks for the route hears where the consumers of a group are") {
    Triangle net;
    declare(net[2]);
    net.settle();
    const auto words = [&] {
        const auto route =
            net[0].exchange->diagnose_route(wire::Kind::topic, "news.eu", net[0].now);
        REQUIRE(route.here.size() == 1);
        CHECK(route.here[0].type == "group");
        CHECK(route.here[0].name == "crew");
        return route.here[0].words;
    };
    CHECK(words() == "it waits here until a consumer comes, on whatever host");
    join(net[1]);
    net.settle();
    CHECK(words() == "consumers at 1");
}

TEST_CASE("its own host first, where there is a consumer with room") {
    Triangle net;
    join(net[0]);
    join(net[1]);
    net.settle();
    net.publish(1, 3);
    CHECK(work(net[0]) == Texts{"1", "2", "3"});
    CHECK(work(net[1]).empty());
}

TEST_CASE("every group and every subscription has a copy of its own") {
    Triangle net;
    join(net[1]);
    join(net[1], SessionId{21}, 100, "other");
    subscribe(net[1], wire::Kind::topic, "own");
    net[1].open(SessionId{22});
    net[1].subscribe(SessionId{22}, {.id = 1, .filter = "news.eu", .durable = {}, .group = {}});
    net.settle();
    net.publish(1, 2);
    std::map<SessionId, Texts> come;
    for (const auto& [session, delivery] : net[1].deliveries)
        come[session].push_back(std::to_string(delivery.batch.header().sequence));
    const Texts both{"1", "2"};
    CHECK(come[worker] == both);
    CHECK(come[SessionId{21}] == both);
    CHECK(come[SessionId{22}] == both);
    CHECK(net.batches(0, 1) == 6);  // two groups and the host's own
    CHECK(net.balance());
}

TEST_CASE("without a consumer anywhere it waits with its sender, and leaves in order") {
    Triangle net;
    join(net[1]);
    net.settle();
    net[1].leave(worker);
    net.pass(limits::session_linger + 2s);
    net.publish(1, 3);
    CHECK(waiting_at(net[0]) == 3);
    CHECK(waiting_at(net[1]) == 0);
    join(net[2]);  // another host
    net.settle();
    CHECK(work(net[2]) == Texts{"1", "2", "3"});
    net.settle();
    CHECK(waiting_at(net[0]) == 0);
    CHECK(net.balance());
}

TEST_CASE("declared before its first consumer comes") {
    Triangle net;
    declare(net[2]);
    net.settle();
    net.publish(1, 2);
    CHECK(waiting_at(net[0]) == 2);
    join(net[1]);
    net.settle();
    CHECK(work(net[1]) == Texts{"1", "2"});
}

TEST_CASE("what a host had is worked on elsewhere when its consumers stay away") {
    Triangle net{{0}};
    join(net[1], worker, 1);
    net.settle();
    net.publish(1, 3);
    net[1].deliveries.clear();
    net[1].leave(worker);
    join(net[2]);
    net.settle();
    net.pass(5min + 2s);
    const Texts done = work(net[2]);
    REQUIRE(done.size() == 3);
    CHECK(done[0] == "1*");
    net.settle();
    CHECK(net.balance());
}

TEST_CASE("a group ends when nobody wants it any more, and what waited goes with it") {
    Triangle net;
    join(net[1]);
    join(net[2]);
    net.settle();
    leave_for_good(net[1]);
    net.settle();
    net.publish(1, 1);
    CHECK(work(net[2]) == Texts{"1"});
    CHECK(has_crew(net[0]));
    CHECK(!has_crew(net[1]));  // it has no link to the other that wants it
    net[2].deliveries.clear();
    net.disconnect(0, 2);
    net.publish(2, 3);
    CHECK(waiting_at(net[0]) == 2);
    leave_for_good(net[2]);
    net.connect(0, 2);
    net.settle();
    CHECK(!has_crew(net[0]));
    CHECK(!has_crew(net[2]));
    net.publish(4, 4);
    CHECK(net[0].exchange->status(net[0].now).unrouted == 1);
    CHECK(net.balance());
}

TEST_CASE("what comes for a group that was removed meanwhile is refused, and kept where it was") {
    Triangle net;
    join(net[1]);
    declare(net[2]);
    net.settle();
    net[0].publish(app, 1, news(1));
    leave_for_good(net[1]);
    net.settle();
    std::vector<std::string> reasons;
    for (const auto& transaction : net[0].transactions)
        for (const auto& change : transaction.changes)
            if (const auto* bury = std::get_if<Bury>(&change)) reasons.push_back(bury->reason);
    REQUIRE(reasons.size() == 1);
    CHECK(reasons[0] == "refused by 1: there is no group \"crew news.*\" at this agent");
    CHECK(has_crew(net[0]));
    CHECK(net.balance());
}

TEST_CASE("a relay passes a group's copies on, and keeps them apart from the host's own") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    join(net[2]);
    net[2].open(reader);
    net[2].subscribe(reader, {.id = 1, .filter = "news.*", .durable = "own", .group = {}});
    net.settle();
    net[0].open(app, producer);
    for (std::uint64_t n = 1; n <= 3; ++n) net[0].publish(app, n, news(n));
    net.settle();
    std::map<SessionId, Sequences> come;
    for (const auto& [session, delivery] : net[2].deliveries) {
        CHECK(!delivery.envelope.redelivered());
        come[session].push_back(delivery.batch.header().sequence);
    }
    CHECK(come[worker] == Sequences{1, 2, 3});
    CHECK(come[reader] == Sequences{1, 2, 3});
    for (int host = 0; host < 3; ++host) CHECK(net[host].balances());
}

TEST_CASE("at the relay that keeps a group's copies the journal says for which group they are") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    join(net[2]);
    net.settle();
    net.disconnect(1, 2);
    net[0].open(app, producer);
    net[0].publish(app, 1, news(1));  // its link is thought to come back
    net.settle();
    std::size_t kept = 0;
    for (const auto& [id, batch] : net[1].stored) {
        CHECK(batch.header().group == "crew news.*");
        ++kept;
    }
    CHECK(kept == 1);
    net.connect(1, 2);
    net.settle();
    CHECK(work(net[2]) == Texts{"1"});
}

TEST_CASE("a large message of a group goes whole to one of them, beside the host's own copy") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    join(net[2]);
    net[2].open(reader);
    net[2].subscribe(reader, {.id = 1, .filter = "news.*", .durable = "own", .group = {}});
    net.settle();
    net[0].open(app, producer);
    const auto part = [&](std::uint32_t index) {
        return make_batch({.channel = "news.eu",
                           .producer = producer,
                           .sequence = index + 1,
                           .part = wire::Part{.first_sequence = 1, .index = index, .total = 3}});
    };
    for (std::uint32_t index = 0; index < 3; ++index) {
        net[0].publish(app, index + 1, part(index));
        net.settle();
    }
    std::map<SessionId, Sequences> come;
    while (auto delivery = net[2].deliveries.empty() ? std::nullopt
                                                     : std::optional{net[2].deliveries.front()}) {
        net[2].deliveries.pop_front();
        come[delivery->first].push_back(delivery->second.batch.header().sequence);
        net[2].ack(delivery->first, delivery->second);
        net.settle();
    }
    CHECK(come[worker] == Sequences{1, 2, 3});
    CHECK(come[reader] == Sequences{1, 2, 3});
    for (int host = 0; host < 3; ++host) {
        CHECK(net[host].balances());
        CHECK(net[host].exchange->status(net[host].now).unsafe_batches == 0);
    }
}

TEST_CASE("best effort goes to one consumer of a group, here or elsewhere") {
    Triangle net;
    join(net[1]);
    join(net[2]);
    net.settle();
    for (std::uint64_t n = 1; n <= 4; ++n) {
        const auto loose = make_batch({.mode = wire::Mode::best_effort,
                                       .channel = "news.eu",
                                       .producer = producer,
                                       .sequence = n});
        net[0].exchange->on_batch(app, {.messages = 1}, loose, net[0].now);
        net.settle();
    }
    CHECK(net[1].deliveries.size() == 2);
    CHECK(net[2].deliveries.size() == 2);
}

TEST_CASE("who may not have a channel does not get it through a group") {
    Triangle net;
    net[0].settings.peers[0].may = Permissions{.publish = {}, .subscribe = {"news.us"}};
    net[0].exchange->reload(net[0].settings, net[0].now);
    join(net[1]);
    net.settle();
    net.publish(1, 1);
    CHECK(work(net[1]).empty());
    CHECK(waiting_at(net[0]) == 0);
    CHECK(net[0].exchange->status(net[0].now).unrouted == 1);
    net[0].publish(app, 2, news(2, "news.us"));
    net.settle();
    CHECK(work(net[1]) == Texts{"2"});
}

TEST_CASE("a name is one group's or one durable subscription's") {
    Host host{"a", 1, {}};
    join(host);
    const auto refusal = [&](wire::Subscribe command) {
        host.replies.clear();
        host.subscribe(worker, command);
        REQUIRE(host.replies.size() == 1);
        const auto* const failed = std::get_if<wire::Failed>(&host.replies[0]);
        return failed == nullptr ? std::string{} : failed->reason;
    };
    auto command = wish("crew", 100, 2);
    command.filter = "other";
    CHECK(refusal(command).find("in use here, with another filter") != std::string::npos);
    command.group = {};
    command.durable = "crew";
    CHECK(refusal(command).find("in use here") != std::string::npos);
    command.group = "crew";
    CHECK(refusal(command).find("not both") != std::string::npos);
    command.durable = {};
    command.kind = wire::Kind::queue;
    CHECK(refusal(command).find("share it by themselves") != std::string::npos);
    CHECK(refusal(wish(std::string(250, 'n'), 1, 3)).find("together at most 254") !=
          std::string::npos);
}

TEST_CASE("paused, a group hands out nothing here, and others go on") {
    Triangle net;
    join(net[1]);
    join(net[2]);
    net.settle();
    const auto order = [&](SubscriptionOrder::What what) {
        const auto change =
            net[1].exchange->change_subscription({.what = what, .name = "crew"}, net[1].now);
        net.settle();
        return change.verdict;
    };
    CHECK(order(SubscriptionOrder::What::pause) == SubscriptionChange::Verdict::done);
    net.publish(1, 3);
    CHECK(work(net[1]).empty());
    CHECK(work(net[2]) == Texts{"1", "2", "3"});
    CHECK(order(SubscriptionOrder::What::resume) == SubscriptionChange::Verdict::done);
    net[2].leave(worker);
    net.pass(limits::session_linger + 2s);
    net.publish(4, 4);
    CHECK(work(net[1]) == Texts{"4"});
}

TEST_CASE("purged where it waits, a group stands and goes on") {
    Triangle net;
    join(net[1]);
    net.settle();
    net.disconnect(0, 1);
    net.publish(1, 2);
    // The publisher's host only keeps it for others: whoever wants it purges it there.
    CHECK(net[0]
              .exchange
              ->change_subscription({.what = SubscriptionOrder::What::purge, .name = "crew"},
                                    net[0].now)
              .verdict == SubscriptionChange::Verdict::done);
    CHECK(waiting_at(net[0]) == 0);
    net.connect(0, 1);
    net.settle();
    net.publish(3, 3);
    CHECK(work(net[1]) == Texts{"3"});
    CHECK(net.balance());
}
