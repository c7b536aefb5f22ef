// A batch of a queue that several agents work on goes to them in pieces.
#include <algorithm>

#include "network.h"
#include "stories.h"

namespace {

constexpr SessionId worker{20}, requester{40};

Batch jobs(std::uint64_t first, std::uint32_t count, std::uint16_t flags = 0) {
    return make_batch({.kind = wire::Kind::queue,
                       .channel = "jobs",
                       .producer = producer,
                       .sequence = first,
                       .messages = count,
                       .flags = flags});
}

wire::Subscribe wish(std::uint32_t prefetch) {
    wire::Subscribe command;
    command.id = 1;
    command.kind = wire::Kind::queue;
    command.filter = "jobs";
    command.prefetch_messages = prefetch;
    return command;
}

void employ(Host& host, std::uint32_t prefetch = 1'000, SessionId session = worker) {
    host.open(session, ProducerId{{session.value, 99}});
    host.subscribe(session, wish(prefetch));
}

// The messages that have come to that host and are not acknowledged, each by its sequence, with an
// asterisk if it is marked.
Texts held_by(Host& host) {
    Texts found;
    for (const auto& [session, delivery] : host.deliveries)
        for (std::uint32_t at = 0; at < delivery.envelope.messages; ++at)
            found.push_back(
                std::to_string(delivery.batch.header().sequence + delivery.envelope.first + at) +
                (delivery.envelope.redelivered() ? "*" : ""));
    return found;
}

void work(Host& host, wire::Verdict verdict = wire::Verdict::ack) {
    while (!host.deliveries.empty()) {
        const auto [session, delivery] = host.deliveries.front();
        host.deliveries.pop_front();
        host.ack(session, delivery, verdict);
    }
}

// 0 publishes; the others have workers, or will.
struct Star : Network {
    explicit Star(int others, const std::set<int>& relays = {})
        : Network{std::size_t(others) + 1, links_to(others), relays} {
        (*this)[0].open(app, producer);
    }
    static std::vector<std::pair<int, int>> links_to(int others) {
        std::vector<std::pair<int, int>> links;
        for (int other = 1; other <= others; ++other) links.emplace_back(0, other);
        return links;
    }
    void publish(std::uint64_t number, Batch batch) {
        (*this)[0].publish(app, number, std::move(batch));
        settle();
    }
    std::uint64_t waiting() {
        for (const auto& account : (*this)[0].exchange->status((*this)[0].now).accounts)
            if (account.waiting > 0) return account.waiting;
        return 0;
    }
    bool balance(int hosts) {
        for (int host = 0; host < hosts; ++host)
            if (!(*this)[host].balances()) return false;
        return true;
    }
};

}  // namespace

TEST_CASE("six hundred jobs of one batch reach ten idle hosts evenly") {
    Star net{10};
    for (int host = 1; host <= 10; ++host) employ(net[host]);
    net.settle();
    net.publish(1, jobs(1, 600));
    Texts all;
    for (int host = 1; host <= 10; ++host) {
        const Texts here = held_by(net[host]);
        CHECK(here.size() == 60);
        all.insert(all.end(), here.begin(), here.end());
        work(net[host]);
    }
    std::sort(all.begin(), all.end());
    CHECK(std::unique(all.begin(), all.end()) == all.end());
    CHECK(all.size() == 600);
    net.settle();
    CHECK(net.waiting() == 0);
    CHECK(net.balance(11));
}

TEST_CASE("its own host's consumers have theirs first, and others what these cannot take") {
    Star net{2};
    employ(net[0], 10);
    employ(net[1]);
    employ(net[2]);
    net.settle();
    net.publish(1, jobs(1, 90));
    CHECK(held_by(net[0]).size() == 10);
    CHECK(held_by(net[1]).size() + held_by(net[2]).size() == 80);
    CHECK(held_by(net[1]).size() >= 30);
    CHECK(held_by(net[2]).size() >= 30);
}

TEST_CASE("where enough batches wait for each agent they go whole") {
    Star net{2};
    for (std::uint64_t n = 0; n < 4; ++n) net.publish(n + 1, jobs(1 + 10 * n, 10));
    employ(net[1], 1);  // comes first, and has room for one
    net.settle();
    const auto before = net.batches(0, 1);
    CHECK(before >= 1);
    for (int at = 0; at < 40; ++at) {
        work(net[1]);
        net.settle();
    }
    CHECK(net.waiting() == 0);
    CHECK(net.batches(0, 1) <= 8);  // four batches, and frames of the link
}

TEST_CASE("a piece that is settled is not the batch") {
    Star net{2};
    employ(net[1]);
    employ(net[2]);
    net.settle();
    net[0].journal_answers = false;
    net[0].publish(app, 1, jobs(1, 10));
    while (net.carry(0)) {
    }
    CHECK(net[0].receipts.empty());
    // One agent's word comes; the other's does not.
    while (net.carry(1)) {
    }
    net[0].turn();
    CHECK(net[0].receipts.empty());
    CHECK(net.waiting() == 10);
    net.settle();
    net.pass(1s);
    CHECK(net[0].receipts.size() == 1);
    CHECK(net.waiting() == 0);
}

TEST_CASE("what is acknowledged in part and left behind goes to another host, and only that") {
    Star net{1};
    employ(net[0], 4);
    net.publish(1, jobs(1, 10));
    CHECK(held_by(net[0]) == Texts{"1", "2", "3", "4"});
    const auto first = net[0].next_delivery();
    net[0].ack(worker, *first);  // four more come
    net[0].leave(worker);
    employ(net[1]);
    net.pass(2s);
    Texts there = held_by(net[1]);
    std::sort(there.begin(), there.end());
    CHECK(there == Texts{"10", "5*", "6*", "7*", "8*", "9"});
    work(net[1]);
    net.settle();
    CHECK(net.waiting() == 0);
    CHECK(net.balance(2));
}

TEST_CASE("pieces for an agent that is removed come back and go to another, marked") {
    Star net{2};
    employ(net[1]);
    employ(net[2]);
    net.settle();
    net[0].publish(app, 1, jobs(1, 10));
    // What is for 1 has left and is lost.
    net.disconnect(0, 1);
    const auto plan = net[0].exchange->plan_removal("1", net[0].now);
    net[0].settings.peers = {peer("2")};
    net[0].exchange->reload(net[0].settings, net[0].now);
    net[0].exchange->remove_agent(net[0].exchange->plan_removal("1", net[0].now), true, net[0].now);
    net.settle();
    Texts there = held_by(net[2]);
    std::sort(there.begin(), there.end());
    CHECK(there.size() == 10);
    CHECK(std::count_if(there.begin(), there.end(),
                        [](const std::string& text) { return text.back() == '*'; }) == 5);
    work(net[2]);
    net.settle();
    net.pass(1s);
    CHECK(net.waiting() == 0);
    CHECK(net[0].balances());
}

TEST_CASE("who waits for consumed waits for every piece") {
    Star net{2};
    employ(net[1]);
    employ(net[2]);
    net.settle();
    const auto flags =
        std::uint16_t(wire::batch_flag::want_arrived | wire::batch_flag::want_consumed);
    net.publish(1, jobs(1, 10, flags));
    const auto consumed = [&] {
        return std::count_if(
            net[0].receipts.begin(), net[0].receipts.end(),
            [](const wire::Receipt& receipt) { return receipt.stage != wire::Stage::safe; });
    };
    CHECK(consumed() == 0);
    work(net[1]);
    net.settle();
    net.pass(1s);
    CHECK(consumed() == 0);
    work(net[2]);
    net.settle();
    net.pass(1s);
    CHECK(consumed() == 1);
}
