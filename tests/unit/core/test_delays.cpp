// Delayed delivery: what is not due yet waits in the delay line of the agent
// that took it, on disk, and is handed out when it is due.

#include "stories.h"
#include "wire/bounds.h"

using namespace bus;
using namespace bus::core;
using namespace bus::core::test;
using namespace std::chrono_literals;

namespace {

Batch delayed(std::uint64_t sequence, std::uint64_t ttl_millis = 0) {
    return make_batch({.channel = "news",
                       .producer = producer,
                       .sequence = sequence,
                       .ttl_millis = ttl_millis,
                       .flags = wire::batch_flag::delayed});
}

void publish(Host& host, std::uint64_t number, const Batch& batch, Duration delay,
             std::uint16_t flags = 0) {
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(delay);
    const wire::Envelope envelope{.flags = flags,
                                  .number = number,
                                  .messages = batch.messages(),
                                  .delay_millis = static_cast<std::uint64_t>(millis.count())};
    host.exchange->on_batch(app, envelope, batch, host.now);
    host.turn();
}

struct Paris : Host {
    explicit Paris(Recovered recovered = {}) : Host("paris", 1, {}, std::move(recovered)) {
        open(app, producer);
    }
    Status status() { return exchange->status(now); }
    std::string refused() const {
        const auto* told = std::get_if<wire::Refused>(&replies.back());
        return told == nullptr ? "" : told->reason;
    }
    // What the journal would read back of the line, by when it is due.
    void answer_reads(const std::vector<LoadedEntry>& rows) {
        for (const ReadBack& request : std::exchange(reads, {})) {
            Loaded back{.request = request, .entries = {}, .last = true};
            for (const auto& row : rows)
                if (std::pair{row.due_wall_micros, row.id} >=
                    std::pair{request.due_wall_micros.value_or(0), request.after})
                    back.entries.push_back(row);
            exchange->on_journal(back, now);
        }
        turn();
    }
};

Recovered line_of(std::uint64_t entries) {
    return backlog_of({.type = Destination::Type::delay, .id = {}, .name = "delayed"}, entries,
                      BatchId{entries});
}

LoadedEntry row(std::uint64_t id, std::uint64_t due_wall_micros) {
    return {.id = BatchId{id},
            .batch = delayed(id),
            .messages = 1,
            .source = {},
            .due_wall_micros = due_wall_micros};
}

constexpr std::uint64_t started_wall = 1'700'000'000'000'000;  // of a Host

}  // namespace

TEST_CASE("a delayed message comes when it is due, and not before") {
    Paris host;
    subscribe(host);
    publish(host, 1, delayed(1), 5min);
    host.pass(5min - 1ms);
    CHECK(read(host).empty());
    CHECK(host.exchange->next_deadline() == host.now + 1ms);
    CHECK(host.status().delayed_messages == 1);
    CHECK(host.status().next_due_millis == 1);
    host.pass(1ms);
    CHECK(read(host) == Sequences{1});
    host.pass(1s);
    CHECK(host.status().delayed_messages == 0);
    CHECK(host.balances());
}

TEST_CASE("it is safe as soon as it is on disk") {
    Paris host;
    host.journal_answers = false;
    publish(host, 1, delayed(1), 1h);
    CHECK(host.receipts.empty());
    host.commit();
    REQUIRE(host.receipts.size() == 1);
    CHECK(host.receipts[0].destinations == 1);
}

TEST_CASE("they come in the order in which they are due, beside what was not delayed") {
    Paris host;
    subscribe(host);
    publish(host, 1, delayed(1), 3s);
    publish(host, 2, delayed(2), 1s);
    publish(host, 3, delayed(3), 2s);
    host.publish(app, 4, make_batch({.channel = "news", .producer = producer, .sequence = 4}));
    CHECK(read(host) == Sequences{4});
    host.pass(10s);
    CHECK(read(host) == Sequences{2, 3, 1});
}

TEST_CASE("who subscribes before it is due gets it, and with nobody it is counted") {
    Paris host;
    publish(host, 1, delayed(1), 1s);
    publish(host, 2, delayed(2), 2s);
    host.pass(1s);
    CHECK(host.status().unrouted == 1);
    subscribe(host);
    host.pass(1s);
    CHECK(read(host) == Sequences{2});
    CHECK(host.balances());
}

TEST_CASE("the commit that writes the copy takes it out of the line") {
    Paris host;
    subscribe(host);
    host.leave(reader);
    publish(host, 1, delayed(1), 1s);
    host.transactions.clear();
    host.pass(1s);
    REQUIRE(host.transactions.size() >= 1);
    const auto& changes = host.transactions.front().changes;
    const auto has = [&](auto is) { return std::any_of(changes.begin(), changes.end(), is); };
    CHECK(has([](const Change& one) { return std::holds_alternative<Put>(one); }));
    CHECK(has([](const Change& one) {
        const auto* settle = std::get_if<Settle>(&one);
        return settle != nullptr && settle->id == BatchId{1};
    }));
    host.pass(1s);
    CHECK(host.status().groups.at(0).waiting_messages == 1);
    CHECK(host.status().delayed_messages == 0);
}

TEST_CASE("until its copy is safe it is in the line") {
    Paris host;
    subscribe(host);
    publish(host, 1, delayed(1), 1s);
    host.journal_answers = false;
    host.transactions.clear();
    host.pass(1s);
    CHECK(host.changes<Settle>() == 0);  // handed out, neither acknowledged nor on disk
    CHECK(read(host) == Sequences{1});
    host.pass(1s);
    CHECK(host.changes<Settle>() == 1);
}

TEST_CASE("after a restart it waits for the rest of its time, by this host's wall clock") {
    Paris host{line_of(2)};
    subscribe(host);
    REQUIRE(host.reads.size() == 1);
    CHECK(host.reads[0].due_wall_micros == 0);
    host.answer_reads({row(2, started_wall - 1), row(1, started_wall + 7'000'000)});
    const auto late = host.next_delivery();  // due while the host was off
    REQUIRE(late);
    CHECK(late->batch.header().sequence == 2);
    CHECK(late->envelope.redelivered());  // an earlier start may have handed it out
    host.ack(reader, *late);
    CHECK(host.status().next_due_millis == 7'000);
    host.pass(7s);
    const auto on_time = host.next_delivery();
    REQUIRE(on_time);
    CHECK(on_time->envelope.redelivered());
    host.ack(reader, *on_time);
    CHECK(host.balances());
}

TEST_CASE("of a long line only what is due next is in memory") {
    Paris host;
    const std::uint64_t count = limits::stream_memory_entries + 100;
    for (std::uint64_t id = 1; id <= count; ++id) {  // the last is due first
        const auto left = std::chrono::seconds{10'000 + count - id};
        publish(host, id, delayed(id), left);
    }
    const auto most = host.status().memory_bytes;
    CHECK(most <= limits::stream_memory_entries * delayed(1).size());
    CHECK(host.status().delayed_messages == count);
    publish(host, count + 1, delayed(count + 1), 100'000s);  // behind all of them
    CHECK(host.status().memory_bytes == most);
    CHECK(host.status().delayed_messages == count + 1);
}

TEST_CASE("who delays messages without a pause does not fill memory") {
    Paris host;
    host.journal_answers = false;
    for (std::uint64_t id = 1; id <= limits::stream_memory_entries + 500; ++id) {
        publish(host, id, delayed(id), std::chrono::seconds{10'000 + id});
        if (id == 1) continue;  // its commit is answered when the next is here, and so on
        REQUIRE(host.unanswered.size() == 1);
        const auto number = host.unanswered.front().number;
        host.unanswered.pop_front();
        host.exchange->on_journal(Committed{number, host.space}, host.now);
        host.turn();
    }
    CHECK(host.status().memory_bytes <= (limits::stream_memory_entries + 2) * delayed(1).size());
    CHECK(host.status().delayed_messages == limits::stream_memory_entries + 500);
    host.commit();
    CHECK(host.balances());
}

TEST_CASE("what is on disk only is read back in time, with what came since") {
    Paris host{line_of(3)};
    subscribe(host);
    const auto at = [](std::uint64_t seconds) { return started_wall + seconds * 1'000'000; };
    host.journal_answers = false;
    publish(host, 1, delayed(10), 4s);  // taken before the answer comes, committed after it
    host.answer_reads({row(3, at(1)), row(1, at(3)), row(2, at(5))});
    host.journal_answers = true;
    host.commit();
    host.pass(10s);
    CHECK(read(host) == Sequences{3, 1, 10, 2});
    CHECK(host.reads.empty());
    CHECK(host.balances());
}

TEST_CASE("a lifetime counts from the publishing") {
    Paris host;
    subscribe(host);
    publish(host, 1, delayed(1, 1'000), 2s);
    publish(host, 2, delayed(2, 3'000), 2s);
    host.pass(2s);
    const auto one = host.next_delivery();
    REQUIRE(one);
    CHECK(one->batch.header().sequence == 2);
    CHECK(one->envelope.lifetime_millis == 1'000);
    CHECK_FALSE(host.next_delivery());
}

TEST_CASE("what cannot be delayed is refused by name") {
    Paris host;
    publish(host, 1, delayed(1), std::chrono::milliseconds{wire::delay_millis_max + 1});
    CHECK(host.refused().find("366 days") != std::string::npos);
    publish(host, 2, make_batch({.channel = "news", .producer = producer, .sequence = 2}), 1s);
    CHECK(host.refused().find("say so in its header") != std::string::npos);
    publish(host, 0,
            make_batch({.mode = wire::Mode::best_effort,
                        .channel = "news",
                        .producer = producer,
                        .flags = wire::batch_flag::delayed}),
            1s);
    CHECK(host.refused().find("best effort") != std::string::npos);
}

TEST_CASE("it crosses a link when it is due, and its copy is the bytes of the producer") {
    TwoHosts hosts;
    hosts.connect();
    hosts.a.open(app, producer);
    subscribe(hosts.b);
    hosts.settle();
    publish(hosts.a, 1, delayed(1), 3s);
    hosts.settle();
    hosts.pass(2s);
    CHECK(hosts.b.deliveries.empty());
    hosts.pass(1s);
    const auto came = hosts.b.next_delivery();
    REQUIRE(came);
    CHECK(came->batch.header().is_delayed());
    CHECK(came->batch.header().producer == producer);
    CHECK_FALSE(came->envelope.redelivered());
}

TEST_CASE("a line beyond its share of the journal holds its publishers") {
    Host host{"paris", 1, {}};
    host.settings.journal_bytes_max = 10'000;
    host.exchange->reload(host.settings, host.now);
    host.open(app, producer);
    for (std::uint64_t number = 1; number <= 120; ++number)
        publish(host, number, delayed(number), 1h);
    const bool held = std::any_of(host.replies.begin(), host.replies.end(), [](const auto& reply) {
        return std::holds_alternative<wire::Hold>(reply);
    });
    CHECK(held);
}
