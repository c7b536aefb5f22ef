// What every journal owes the core, as test cases over a fixture. SQLite's
// (tests/unit/journal) and the simulator's fake (tests/sim) pass the same.
//
// A fixture is default-constructible and offers:
//   core::Recovered start();          opens the journal: a new one, or what stop() or crash() left
//   void submit(core::Transaction);
//   void read(core::ReadBack);
//   core::JournalAnswer next();       waits for the next answer; fails the test when none comes
//   void stop();                      orderly: what was submitted is committed
//   void crash();                     at once: what was not yet committed may be gone
// The whole contract is one line: BUS_JOURNAL_CONTRACT(MyFixture).
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/journal.h"
#include "support/sample_batch.h"

namespace bus::journal_contract {

using namespace core;

// `messages` messages of `payload` bytes each on the topic `channel`.
inline Batch make_batch(std::string_view channel, std::uint32_t messages = 3,
                        std::size_t payload = 20, char fill = 'x') {
    auto header = test::sample_header();
    header.channel = channel;
    const std::string text(payload, fill);
    auto batch = OwnedBatch::make(
        test::sample_batch(std::vector<test::SampleMessage>(messages, {text}), header));
    REQUIRE(batch.has_value());
    return *batch;
}

inline StreamId stream(std::uint32_t to, wire::Lane lane = wire::Lane::normal) {
    return {DestinationId{to}, lane};
}
inline Put put(std::uint64_t id, const Batch& batch, std::uint32_t owes = 1) {
    return {.id = BatchId{id}, .batch = batch, .expires_wall_micros = 0, .owes = owes};
}
inline Owe owe(std::uint32_t to, std::uint64_t id) { return {stream(to), BatchId{id}}; }
inline Settle settle(std::uint32_t to, std::uint64_t id) { return {stream(to), BatchId{id}}; }
inline PutDestination durable(std::uint32_t id, std::string name) {
    return {{.type = Destination::Type::durable,
             .id = DestinationId{id},
             .kind = wire::Kind::topic,
             .name = std::move(name),
             .filter = "plant.**",
             .group = "",
             .agent = {}}};
}

// A fixture with the numbering of submissions, and what tests ask again and again.
template <class Fixture>
class Subject {
  public:
    Subject() { recovered = fixture.start(); }

    Submission submit(std::vector<Change> changes, bool urgent = true) {
        number_ = number_.next();
        fixture.submit({number_, urgent, std::move(changes)});
        return number_;
    }
    void commit(std::vector<Change> changes) { await(submit(std::move(changes))); }
    void await(Submission number) {
        while (true) {
            const JournalAnswer answer = fixture.next();
            const auto* committed = std::get_if<Committed>(&answer);
            REQUIRE_MESSAGE(committed, "expected a commit, got answer ", answer.index());
            space = committed->space;
            if (committed->through >= number) return;
        }
    }
    // Everything in the stream, in as many reads as `bytes` makes of it.
    std::vector<LoadedEntry> read(StreamId from, std::uint64_t bytes = 1 << 20,
                                  std::optional<std::uint64_t> channel = std::nullopt) {
        std::vector<LoadedEntry> all;
        ReadBack request{from, BatchId{0}, bytes, channel};
        while (true) {
            Loaded loaded = load(request);
            for (auto& entry : loaded.entries) all.push_back(std::move(entry));
            if (loaded.last) return all;
            REQUIRE_FALSE(loaded.entries.empty());
            request.after = all.back().id;
        }
    }
    Loaded load(const ReadBack& request) {
        fixture.read(request);
        JournalAnswer answer = fixture.next();
        while (std::holds_alternative<Committed>(answer)) answer = fixture.next();
        REQUIRE(std::holds_alternative<Loaded>(answer));
        return std::get<Loaded>(std::move(answer));
    }
    std::vector<std::uint64_t> ids(StreamId from, std::uint64_t bytes = 1 << 20) {
        std::vector<std::uint64_t> found;
        for (const auto& entry : read(from, bytes)) found.push_back(entry.id.value);
        return found;
    }
    void crash_and_restart() {
        fixture.crash();
        recovered = fixture.start();
    }
    void restart() {
        fixture.stop();
        recovered = fixture.start();
    }
    const Recovered::Stream* found(StreamId id) const {
        for (const auto& one : recovered.streams)
            if (one.id == id) return &one;
        return nullptr;
    }

    Fixture fixture;
    Recovered recovered;  // of the last start
    JournalSpace space;   // of the last commit

  private:
    Submission number_;
};

using Ids = std::vector<std::uint64_t>;

TEST_CASE_TEMPLATE_DEFINE("a new journal is empty and has an incarnation", F, contract_new) {
    Subject<F> journal;
    const Recovered& recovered = journal.recovered;
    CHECK(recovered.agent.is_zero());
    CHECK(recovered.incarnation == 0);
    CHECK(recovered.incarnation_now > 0);
    CHECK(recovered.last_batch == BatchId{0});
    CHECK(recovered.destinations.empty());
    CHECK(recovered.streams.empty());
    CHECK(recovered.damage.empty());
    CHECK(recovered.space.live_bytes == 0);
    CHECK_FALSE(recovered.space.full);
}

TEST_CASE_TEMPLATE_DEFINE("each start has a higher incarnation", F, contract_incarnation) {
    Subject<F> journal;
    const auto first = journal.recovered.incarnation_now;
    journal.crash_and_restart();
    CHECK(journal.recovered.incarnation == first);
    CHECK(journal.recovered.incarnation_now > first);
    journal.restart();
    CHECK(journal.recovered.incarnation_now > journal.recovered.incarnation);
    CHECK_FALSE(journal.recovered.agent.is_zero());
}

TEST_CASE_TEMPLATE_DEFINE("what is committed survives a crash as it was", F, contract_survives) {
    Subject<F> journal;
    const Batch batch = make_batch("plant.temperature", 5, 100);
    Put stored = put(7, batch);
    stored.expires_wall_micros = 1'700'000'000'000'001;
    journal.commit({stored, Owe{stream(3, wire::Lane::low), BatchId{7}, entry_flag::resent, 2}});
    journal.crash_and_restart();

    const auto entries = journal.read(stream(3, wire::Lane::low));
    REQUIRE(entries.size() == 1);
    const LoadedEntry& entry = entries.front();
    CHECK(entry.id == BatchId{7});
    CHECK(entry.flags == entry_flag::resent);
    CHECK(entry.done == 2);
    CHECK(entry.expires_wall_micros == stored.expires_wall_micros);
    REQUIRE(entry.batch);
    CHECK(as_text(entry.batch.bytes()) == as_text(batch.bytes()));
    CHECK(entry.batch.header().channel == "plant.temperature");
}

TEST_CASE_TEMPLATE_DEFINE("a crash leaves all of a transaction or nothing", F, contract_atomic) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    std::vector<Change> changes{PeerMark{AgentId{{4, 5}}, 1, 50}};
    for (std::uint64_t id = 1; id <= 50; ++id) {
        changes.emplace_back(put(id, batch));
        changes.emplace_back(owe(1, id));
    }
    journal.submit(std::move(changes));
    journal.crash_and_restart();  // before anybody heard of a commit
    const auto entries = journal.ids(stream(1)).size();
    CHECK((entries == 0 || entries == 50));
    CHECK(journal.recovered.peer_marks.size() == (entries == 50 ? 1 : 0));
}

TEST_CASE_TEMPLATE_DEFINE("transactions are committed in their order", F, contract_order) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    for (std::uint64_t id = 1; id <= 20; ++id) journal.submit({put(id, batch), owe(1, id)});
    journal.crash_and_restart();
    const auto ids = journal.ids(stream(1));
    for (std::size_t at = 0; at < ids.size(); ++at) CHECK(ids[at] == at + 1);  // a prefix
}

TEST_CASE_TEMPLATE_DEFINE("a stream is read in the order of ids, not of commits", F, contract_ids) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    journal.commit({put(9, batch), owe(1, 9), put(4, batch), owe(1, 4)});
    journal.commit({put(6, batch), owe(1, 6)});
    CHECK(journal.ids(stream(1)) == Ids{4, 6, 9});
}

TEST_CASE_TEMPLATE_DEFINE("Puts may come before all their Owes", F, contract_interleaved) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    journal.commit({put(1, batch, 2), put(2, batch), owe(1, 1), owe(1, 2), owe(2, 1)});
    journal.commit({settle(1, 1), settle(1, 2)});
    CHECK(journal.ids(stream(1)) == Ids{});
    CHECK(journal.ids(stream(2)) == Ids{1});
    CHECK(journal.space.live_bytes == batch.size());
}

TEST_CASE_TEMPLATE_DEFINE("the last settlement deletes a batch", F, contract_settle) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    journal.commit({put(1, batch, 3), owe(1, 1), owe(2, 1), owe(3, 1)});
    CHECK(journal.space.live_bytes == batch.size());
    journal.commit({settle(1, 1)});
    journal.crash_and_restart();
    CHECK(journal.found(stream(1)) == nullptr);
    CHECK(journal.ids(stream(2)) == Ids{1});
    journal.commit({settle(2, 1)});
    REQUIRE(journal.read(stream(3)).size() == 1);
    CHECK(journal.read(stream(3)).front().batch);
    CHECK(journal.space.live_bytes == batch.size());
    journal.commit({settle(3, 1)});
    CHECK(journal.space.live_bytes == 0);
    journal.crash_and_restart();
    CHECK(journal.recovered.streams.empty());
    CHECK(journal.recovered.space.live_bytes == 0);
}

TEST_CASE_TEMPLATE_DEFINE("saying it again changes nothing", F, contract_repeat) {
    Subject<F> journal;
    const Batch batch = make_batch("a", 4);
    const std::vector<Change> twice{put(1, batch, 2), owe(1, 1), owe(2, 1)};
    journal.commit(twice);
    journal.commit(twice);
    CHECK(journal.space.live_bytes == batch.size());
    journal.commit({settle(1, 1)});
    journal.commit({settle(1, 1), settle(1, 99)});
    CHECK(journal.ids(stream(2)) == Ids{1});
    journal.commit({put(1, batch), owe(2, 1)});  // again, of what is still owed
    journal.crash_and_restart();
    CHECK(journal.found(stream(1)) == nullptr);
    REQUIRE(journal.found(stream(2)) != nullptr);
    CHECK(journal.found(stream(2))->messages == 4);
    journal.commit({settle(2, 1)});
    CHECK(journal.space.live_bytes == 0);
}

TEST_CASE_TEMPLATE_DEFINE("a batch may come to be owed to one more", F, contract_later) {
    Subject<F> journal;
    const Batch batch = make_batch("a", 4);
    journal.commit({put(1, batch), owe(1, 1)});
    journal.commit({owe(2, 1), settle(1, 1)});
    journal.crash_and_restart();
    CHECK(journal.found(stream(1)) == nullptr);
    REQUIRE(journal.found(stream(2)) != nullptr);
    CHECK(journal.found(stream(2))->messages == 4);
    CHECK(journal.found(stream(2))->bytes == batch.size());
    CHECK(journal.ids(stream(2)) == Ids{1});
    journal.commit({settle(2, 1)});
    CHECK(journal.space.live_bytes == 0);
}

TEST_CASE_TEMPLATE_DEFINE("progress within a batch is kept", F, contract_progress) {
    Subject<F> journal;
    journal.commit({put(1, make_batch("a", 10)), owe(1, 1)});
    journal.commit({Progress{stream(1), BatchId{1}, 4}, Progress{stream(1), BatchId{77}, 1}});
    journal.crash_and_restart();
    CHECK(journal.read(stream(1)).front().done == 4);
    REQUIRE(journal.found(stream(1)) != nullptr);
    CHECK(journal.found(stream(1))->messages == 6);
    journal.commit({settle(1, 1)});
    journal.crash_and_restart();
    CHECK(journal.recovered.streams.empty());
}

TEST_CASE_TEMPLATE_DEFINE("a start tells each stream's totals", F, contract_totals) {
    Subject<F> journal;
    const Batch large = make_batch("a", 5, 50), small = make_batch("b", 1);
    journal.commit({put(10, large), owe(1, 10), put(11, small, 2), owe(1, 11), owe(2, 11)});
    journal.commit({put(12, small), owe(1, 12)});
    journal.commit({settle(1, 10)});
    for (const bool crash : {true, false}) {
        crash ? journal.crash_and_restart() : journal.restart();
        REQUIRE(journal.recovered.streams.size() == 2);
        const Recovered::Stream* first = journal.found(stream(1));
        REQUIRE(first != nullptr);
        CHECK(first->entries == 2);
        CHECK(first->messages == 2);
        CHECK(first->bytes == 2 * small.size());
        CHECK(first->first == BatchId{11});
        CHECK(first->last == BatchId{12});
        REQUIRE(journal.found(stream(2)) != nullptr);
        CHECK(journal.found(stream(2))->entries == 1);
        CHECK(journal.recovered.space.live_bytes == 2 * small.size());
    }
}

TEST_CASE_TEMPLATE_DEFINE("lanes are streams of their own", F, contract_lanes) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    journal.commit({put(1, batch), Owe{stream(1, wire::Lane::high), BatchId{1}}, put(2, batch),
                    Owe{stream(1, wire::Lane::low), BatchId{2}}});
    CHECK(journal.ids(stream(1)) == Ids{});
    CHECK(journal.ids(stream(1, wire::Lane::high)) == Ids{1});
    CHECK(journal.ids(stream(1, wire::Lane::low)) == Ids{2});
    journal.commit({Settle{stream(1, wire::Lane::low), BatchId{2}}});
    journal.crash_and_restart();
    CHECK(journal.recovered.streams.size() == 1);
}

TEST_CASE_TEMPLATE_DEFINE("a stream is read back in pieces", F, contract_pieces) {
    Subject<F> journal;
    const Batch batch = make_batch("a", 2, 500);
    std::vector<Change> changes;
    for (std::uint64_t id = 1; id <= 7; ++id) {
        changes.emplace_back(put(id, batch));
        changes.emplace_back(owe(1, id));
    }
    journal.commit(std::move(changes));
    const Loaded one = journal.load({stream(1), BatchId{0}, 1, std::nullopt});
    CHECK(one.entries.size() == 1);  // at least one, however small the room
    CHECK_FALSE(one.last);
    const Loaded three = journal.load({stream(1), BatchId{1}, 2 * batch.size() + 1, std::nullopt});
    REQUIRE(three.entries.size() == 3);
    CHECK(three.entries.front().id == BatchId{2});
    CHECK_FALSE(three.last);
    const Loaded rest = journal.load({stream(1), BatchId{4}, 1 << 20, std::nullopt});
    CHECK(rest.entries.size() == 3);
    CHECK(rest.last);
    CHECK(rest.request.stream == stream(1));
    const Loaded none = journal.load({stream(1), BatchId{7}, 1 << 20, std::nullopt});
    CHECK(none.entries.empty());
    CHECK(none.last);
    CHECK(journal.ids(stream(1), 1) == Ids{1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE_TEMPLATE_DEFINE("one channel of a stream can be read alone", F, contract_channel) {
    Subject<F> journal;
    const Batch a = make_batch("a"), b = make_batch("b");
    journal.commit(
        {put(1, a), owe(1, 1), put(2, b), owe(1, 2), put(3, a), owe(1, 3), put(4, b), owe(1, 4)});
    const auto only = journal.read(stream(1), 1, wire::channel_hash(wire::Kind::topic, "b"));
    REQUIRE(only.size() == 2);
    CHECK(only[0].id == BatchId{2});
    CHECK(only[1].id == BatchId{4});
    CHECK(only[1].batch.header().channel == "b");
    CHECK(journal.read(stream(1), 1, wire::channel_hash(wire::Kind::queue, "b")).empty());
}

TEST_CASE_TEMPLATE_DEFINE("ids are never used twice", F, contract_highest) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    journal.commit({durable(5, "alarms"), put(30, batch), owe(5, 30)});
    journal.commit({settle(5, 30), DropDestination{DestinationId{5}}});
    journal.crash_and_restart();
    CHECK(journal.recovered.last_batch == BatchId{30});
    CHECK(journal.recovered.last_destination == DestinationId{5});
}

TEST_CASE_TEMPLATE_DEFINE("destinations are kept, replaced and dropped", F, contract_destination) {
    Subject<F> journal;
    const PutDestination agent{{.type = Destination::Type::agent,
                                .id = DestinationId{2},
                                .kind = wire::Kind::queue,
                                .name = "tokyo",
                                .filter = "",
                                .group = "g",
                                .agent = AgentId{{0xF000'0000'0000'0001, 8}}}};
    PutDestination changed = durable(1, "alarms");
    journal.commit({changed, agent, durable(3, "gone")});
    changed.destination.filter = "plant7.**";
    journal.commit({changed, DropDestination{DestinationId{3}}});
    journal.crash_and_restart();
    REQUIRE(journal.recovered.destinations.size() == 2);
    CHECK(journal.recovered.destinations[0] == changed.destination);
    CHECK(journal.recovered.destinations[1] == agent.destination);
}

TEST_CASE_TEMPLATE_DEFINE("a dropped destination takes its entries along", F, contract_drop) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    journal.commit({durable(1, "gone"), durable(2, "stays")});
    std::vector<Change> changes;
    for (std::uint64_t id = 1; id <= 3'000; ++id) {
        changes.emplace_back(put(id, batch, id % 3 == 0 ? 2 : 1));
        changes.emplace_back(owe(1, id));
        if (id % 3 == 0) changes.emplace_back(owe(2, id));
    }
    journal.commit(std::move(changes));
    journal.commit({DropDestination{DestinationId{1}}});
    journal.crash_and_restart();
    CHECK(journal.found(stream(1)) == nullptr);
    REQUIRE(journal.found(stream(2)) != nullptr);
    const auto kept = journal.read(stream(2));
    CHECK(kept.size() == 1'000);
    for (const auto& entry : kept) CHECK(entry.batch);
    // Nothing of it is left in the end.
    std::uint64_t commits = 0;
    do {
        journal.await(journal.submit({PeerMark{AgentId{{1, 1}}, 1, ++commits}}, false));
    } while (journal.space.live_bytes > 1'000 * batch.size() && commits < 100);
    CHECK(journal.space.live_bytes == 1'000 * batch.size());
}

TEST_CASE_TEMPLATE_DEFINE("marks are kept", F, contract_marks) {
    Subject<F> journal;
    const AgentId peer{{7, 9}};
    const ProducerId producer{{11, 13}}, gone{{17, 19}};
    journal.commit({PeerMark{peer, 1'700'000'000'000, 5}, ProducerMark{producer, 3, 100},
                    ProducerMark{gone, 1, 100}});
    journal.commit({PeerMark{peer, 1'700'000'000'001, 2}, ProducerMark{producer, 8, 200},
                    DropProducerMark{gone}});
    journal.crash_and_restart();
    REQUIRE(journal.recovered.peer_marks.size() == 1);
    const PeerMark& mark = journal.recovered.peer_marks.front();
    CHECK(mark.peer == peer);
    CHECK(mark.incarnation == 1'700'000'000'001);
    CHECK(mark.number == 2);
    REQUIRE(journal.recovered.producer_marks.size() == 1);
    CHECK(journal.recovered.producer_marks.front().producer == producer);
    CHECK(journal.recovered.producer_marks.front().number == 8);
    CHECK(journal.recovered.producer_marks.front().wall_micros == 200);
}

TEST_CASE_TEMPLATE_DEFINE("what was given up for a producer goes with its mark", F,
                          contract_given_up) {
    Subject<F> journal;
    const ProducerId stays{{11, 13}}, goes{{17, 19}};
    journal.commit({GiveUp{stays, 5}, GiveUp{goes, 5}, GiveUp{goes, 9}});
    journal.commit({GiveUp{stays, 5}, DropProducerMark{goes}});
    journal.crash_and_restart();
    REQUIRE(journal.recovered.given_up.size() == 1);
    CHECK(journal.recovered.given_up.front().producer == stays);
    CHECK(journal.recovered.given_up.front().first_sequence == 5);
}

TEST_CASE_TEMPLATE_DEFINE("a batch is read back with the peer it came from", F, contract_source) {
    Subject<F> journal;
    Put from_peer = put(1, make_batch("a"));
    from_peer.source = DestinationId{7};
    journal.commit({from_peer, owe(1, 1), put(2, make_batch("b")), owe(1, 2)});
    journal.crash_and_restart();
    const auto rows = journal.read(stream(1));
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].source == DestinationId{7});
    CHECK(rows[1].source == DestinationId{});
}

TEST_CASE_TEMPLATE_DEFINE("interest is keyed by peer, kind, name and filter", F,
                          contract_interest) {
    Subject<F> journal;
    const AgentId one{{1, 0}}, two{{2, 0}};
    PutInterest wanted{one, wire::Kind::topic, true, "alarms", "", "plant.**"};
    const PutInterest other{two, wire::Kind::topic, true, "alarms", "", "plant.**"};
    const PutInterest queue{one, wire::Kind::queue, false, "", "", "orders"};
    journal.commit({wanted, other, queue});
    wanted.group = "shared";
    journal.commit({wanted, DropInterest{two, wire::Kind::topic, "alarms", "plant.**"},
                    DropInterest{one, wire::Kind::topic, "", "orders"}});
    journal.crash_and_restart();
    REQUIRE(journal.recovered.interest.size() == 2);
    const auto& found = journal.recovered.interest;
    CHECK((found[0] == wanted || found[1] == wanted));
    CHECK((found[0] == queue || found[1] == queue));
}

TEST_CASE_TEMPLATE_DEFINE("a dropped peer's mark and interest go with it", F, contract_peers) {
    Subject<F> journal;
    const PutPeer stays{AgentId{{1, 0}}, "tokyo", "key1", 12, 3},
        goes{AgentId{{2, 0}}, "x", "y", 1, 1};
    journal.commit({stays, goes, PeerMark{goes.id, 1, 1}, PeerMark{stays.id, 1, 1},
                    PutInterest{goes.id, wire::Kind::topic, true, "n", "", "f"}});
    journal.commit({DropPeer{goes.id}});
    journal.crash_and_restart();
    REQUIRE(journal.recovered.peers.size() == 1);
    CHECK(journal.recovered.peers.front() == stays);
    REQUIRE(journal.recovered.peer_marks.size() == 1);
    CHECK(journal.recovered.peer_marks.front().peer == stays.id);
    CHECK(journal.recovered.interest.empty());
}

TEST_CASE_TEMPLATE_DEFINE("tombstones stay until they are dropped", F, contract_tombstones) {
    Subject<F> journal;
    journal.commit({PutTombstone{wire::Kind::topic, "alarms", "plant.**", 4},
                    PutTombstone{wire::Kind::topic, "other", "plant.**", 5}});
    journal.commit({PutTombstone{wire::Kind::topic, "alarms", "plant.**", 9},
                    DropTombstone{wire::Kind::topic, "other", "plant.**"}});
    journal.crash_and_restart();
    REQUIRE(journal.recovered.tombstones.size() == 1);
    CHECK(journal.recovered.tombstones.front().name == "alarms");
    CHECK(journal.recovered.tombstones.front().version == 9);
}

TEST_CASE_TEMPLATE_DEFINE("dead letters are kept once, apart from their batch", F, contract_dead) {
    Subject<F> journal;
    const Batch batch = make_batch("a", 5);
    const Bury bury{stream(1), BatchId{1}, batch, 2, 3, "rejected", 1'000};
    journal.commit({durable(1, "alarms"), put(1, batch), owe(1, 1)});
    journal.commit({bury, settle(1, 1)});
    journal.commit({bury});
    CHECK(journal.space.live_bytes == 0);
    journal.crash_and_restart();
    CHECK(journal.recovered.dead_letters == 3);
    CHECK(journal.recovered.streams.empty());
}

TEST_CASE_TEMPLATE_DEFINE("a dead letter without bytes takes them from its batch", F,
                          contract_dead_from_row) {
    Subject<F> journal;
    journal.commit({durable(1, "alarms"), put(1, make_batch("a", 5)), owe(1, 1)});
    journal.commit({Bury{stream(1), BatchId{1}, {}, 0, 5, "given up", 1'000}, settle(1, 1)});
    journal.commit({Bury{stream(1), BatchId{2}, {}, 0, 5, "never was there", 1'000}});
    journal.crash_and_restart();
    CHECK(journal.recovered.dead_letters == 5);
}

TEST_CASE_TEMPLATE_DEFINE("what is not urgent is committed all the same", F, contract_lazy) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    const auto lazy = journal.submit({put(1, batch), owe(1, 1)}, false);
    const auto urgent = journal.submit({put(2, batch), owe(1, 2)});
    CHECK(urgent > lazy);
    journal.await(urgent);
    CHECK(journal.ids(stream(1)) == Ids{1, 2});
    journal.await(journal.submit({settle(1, 1)}, false));  // nothing urgent follows
    journal.submit({settle(1, 2)}, false);
    journal.restart();  // an orderly end waits for nobody
    CHECK(journal.recovered.streams.empty());
}

TEST_CASE_TEMPLATE_DEFINE("accounts are taken with each commit", F, contract_account) {
    Subject<F> journal;
    Account account{.destination = DestinationId{1}};
    account.taken = 5;
    account.waiting = 5;
    REQUIRE(account.balances());
    journal.commit({put(1, make_batch("a", 5)), owe(1, 1), account});
    journal.crash_and_restart();
    REQUIRE(journal.found(stream(1)) != nullptr);
    CHECK(journal.found(stream(1))->messages == account.waiting);
}

#define BUS_JOURNAL_CONTRACT(Fixture)                           \
    TEST_CASE_TEMPLATE_INVOKE(contract_new, Fixture);           \
    TEST_CASE_TEMPLATE_INVOKE(contract_incarnation, Fixture);   \
    TEST_CASE_TEMPLATE_INVOKE(contract_survives, Fixture);      \
    TEST_CASE_TEMPLATE_INVOKE(contract_atomic, Fixture);        \
    TEST_CASE_TEMPLATE_INVOKE(contract_order, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_ids, Fixture);           \
    TEST_CASE_TEMPLATE_INVOKE(contract_interleaved, Fixture);   \
    TEST_CASE_TEMPLATE_INVOKE(contract_settle, Fixture);        \
    TEST_CASE_TEMPLATE_INVOKE(contract_repeat, Fixture);        \
    TEST_CASE_TEMPLATE_INVOKE(contract_later, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_progress, Fixture);      \
    TEST_CASE_TEMPLATE_INVOKE(contract_totals, Fixture);        \
    TEST_CASE_TEMPLATE_INVOKE(contract_lanes, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_pieces, Fixture);        \
    TEST_CASE_TEMPLATE_INVOKE(contract_channel, Fixture);       \
    TEST_CASE_TEMPLATE_INVOKE(contract_highest, Fixture);       \
    TEST_CASE_TEMPLATE_INVOKE(contract_destination, Fixture);   \
    TEST_CASE_TEMPLATE_INVOKE(contract_drop, Fixture);          \
    TEST_CASE_TEMPLATE_INVOKE(contract_marks, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_given_up, Fixture);      \
    TEST_CASE_TEMPLATE_INVOKE(contract_source, Fixture);        \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_from_row, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_interest, Fixture);      \
    TEST_CASE_TEMPLATE_INVOKE(contract_peers, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_tombstones, Fixture);    \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead, Fixture);          \
    TEST_CASE_TEMPLATE_INVOKE(contract_lazy, Fixture);          \
    TEST_CASE_TEMPLATE_INVOKE(contract_account, Fixture)

}  // namespace bus::journal_contract
