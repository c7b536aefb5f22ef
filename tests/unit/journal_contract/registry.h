// What is known of destinations, peers and producers.
#pragma once

#include "subject.h"

namespace bus::journal_contract {

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
    changed.destination.paused = true;
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

TEST_CASE_TEMPLATE_DEFINE("what a subscription has lost is kept until it ends", F, contract_gaps) {
    Subject<F> journal;
    Gaps gaps;
    gaps.note({.reason = Gaps::Reason::best_effort, .channel = "a.b", .messages = 3});
    journal.commit({durable(1, "alarms"), durable(2, "gone"), PutGaps{DestinationId{1}, gaps},
                    PutGaps{DestinationId{2}, gaps}});
    gaps.tell();
    gaps.note({.reason = Gaps::Reason::lapsed,
               .channel = "c",
               .messages = 5,
               .from_micros = 1'700'000'000'000'000,
               .to_micros = 1'700'000'000'000'001});
    journal.commit({PutGaps{DestinationId{1}, gaps}, DropDestination{DestinationId{2}}});
    journal.crash_and_restart();
    REQUIRE(journal.recovered.gaps.size() == 1);
    CHECK(journal.recovered.gaps[0] == PutGaps{DestinationId{1}, gaps});
    CHECK(journal.recovered.gaps[0].gaps.untold(1).untold == 5);
}

TEST_CASE_TEMPLATE_DEFINE("of each channel that retains it the last value is kept", F,
                          contract_last_values) {
    Subject<F> journal;
    const Batch first = make_batch("a", 1, 20, '1'), second = make_batch("a", 1, 20, '2');
    journal.commit({PutLastValue{first, 0}, PutLastValue{make_batch("b", 1), 7},
                    PutLastValue{make_batch("c", 1), 0}});
    journal.commit({PutLastValue{second, 5}, DropLastValue{"c"}, DropLastValue{"d"}});
    journal.crash_and_restart();
    REQUIRE(journal.recovered.last_values.size() == 2);
    const auto& [oldest, latest] =
        std::tie(journal.recovered.last_values[0], journal.recovered.last_values[1]);
    CHECK(oldest.batch.header().channel == "b");
    CHECK(oldest.expires_wall_micros == 7);
    CHECK(latest.expires_wall_micros == 5);
    CHECK(std::equal(latest.batch.bytes().begin(), latest.batch.bytes().end(),
                     second.bytes().begin(), second.bytes().end()));
    CHECK(journal.recovered.lost_last_values.empty());
}

TEST_CASE_TEMPLATE_DEFINE("how long the first of a stream has waited is told at the start", F,
                          contract_oldest) {
    Subject<F> journal;
    Put first = put(1, make_batch("a"), 1), second = put(2, make_batch("b"), 1);
    first.taken_wall_micros = 100;
    second.taken_wall_micros = 200;
    journal.commit({durable(1, "alarms"), first, owe(1, 1), second, owe(1, 2)});
    journal.crash_and_restart();
    REQUIRE(journal.found(stream(1)) != nullptr);
    CHECK(journal.found(stream(1))->oldest_wall_micros == 100);
    journal.commit({Settle{stream(1), BatchId{1}}});
    journal.crash_and_restart();
    CHECK(journal.found(stream(1))->oldest_wall_micros == 200);
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

TEST_CASE_TEMPLATE_DEFINE("a producer's mark does not go back", F, contract_producer_mark) {
    Subject<F> journal;
    const ProducerId producer{{11, 13}};
    journal.commit({ProducerMark{producer, 8, 100}});
    journal.commit({ProducerMark{producer, 5, 200}});  // told of what was safe before
    journal.crash_and_restart();
    REQUIRE(journal.recovered.producer_marks.size() == 1);
    CHECK(journal.recovered.producer_marks.front().number == 8);
    CHECK(journal.recovered.producer_marks.front().wall_micros == 200);
}

TEST_CASE_TEMPLATE_DEFINE("a batch is read back with the peer it came from", F, contract_source) {
    Subject<F> journal;
    Put from_peer = put(1, make_batch("a"));
    from_peer.source = DestinationId{7};
    from_peer.taken_wall_micros = 1'700'000'000'000'123;
    journal.commit({from_peer, owe(1, 1), put(2, make_batch("b")), owe(1, 2)});
    journal.crash_and_restart();
    const auto rows = journal.read(stream(1));
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].source == DestinationId{7});
    CHECK(rows[0].taken_wall_micros == 1'700'000'000'000'123);
    CHECK(rows[1].source == DestinationId{});
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

TEST_CASE_TEMPLATE_DEFINE("interest is keyed by peer, kind, name, filter and group", F,
                          contract_interest) {
    Subject<F> journal;
    const AgentId one{{1, 0}}, two{{2, 0}};
    const PutInterest wanted{one, wire::Kind::topic, true, "alarms", "", "plant.**"};
    const PutInterest other{two, wire::Kind::topic, true, "alarms", "", "plant.**"};
    const PutInterest grouped{one, wire::Kind::topic, true, "alarms", "alarms", "plant.**"};
    PutInterest queue{one, wire::Kind::queue, false, "", "", "orders"};
    journal.commit({wanted, other, queue, grouped});
    queue.durable = true;
    journal.commit({queue, DropInterest{two, wire::Kind::topic, "alarms", "plant.**"},
                    DropInterest{one, wire::Kind::topic, "alarms", "plant.**", "alarms"}});
    journal.crash_and_restart();
    REQUIRE(journal.recovered.interest.size() == 2);
    const auto& found = journal.recovered.interest;
    CHECK((found[0] == wanted || found[1] == wanted));
    CHECK((found[0] == queue || found[1] == queue));
}

TEST_CASE_TEMPLATE_DEFINE("a dropped peer's mark and interest go with it", F, contract_peers) {
    Subject<F> journal;
    const PutPeer stays{AgentId{{1, 0}},
                        "tokyo",
                        "key1",
                        12,
                        3,
                        77,
                        {.issued = {{9, 0xFFFFFFFFFFFFFFFFull}},
                         .before = {{8, 80}},
                         .confirmed = true,
                         .held = {{7, 70}},
                         .rejoining = true}},
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

}  // namespace bus::journal_contract

#define BUS_JOURNAL_CONTRACT_REGISTRY(Fixture)                  \
    TEST_CASE_TEMPLATE_INVOKE(contract_destination, Fixture);   \
    TEST_CASE_TEMPLATE_INVOKE(contract_drop, Fixture);          \
    TEST_CASE_TEMPLATE_INVOKE(contract_marks, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_producer_mark, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_source, Fixture);        \
    TEST_CASE_TEMPLATE_INVOKE(contract_given_up, Fixture);      \
    TEST_CASE_TEMPLATE_INVOKE(contract_interest, Fixture);      \
    TEST_CASE_TEMPLATE_INVOKE(contract_peers, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_gaps, Fixture);          \
    TEST_CASE_TEMPLATE_INVOKE(contract_last_values, Fixture);   \
    TEST_CASE_TEMPLATE_INVOKE(contract_oldest, Fixture);        \
    TEST_CASE_TEMPLATE_INVOKE(contract_tombstones, Fixture)
