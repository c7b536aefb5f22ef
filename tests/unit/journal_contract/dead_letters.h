// Dead letters: kept once, apart from their batch.
#pragma once

#include "subject.h"

namespace bus::journal_contract {

TEST_CASE_TEMPLATE_DEFINE("dead letters are kept once, apart from their batch", F, contract_dead) {
    Subject<F> journal;
    const Batch batch = make_batch("a", 5);
    const Bury bury{stream(1), BatchId{1}, batch, 2, 3, "rejected", 1'000};
    journal.commit({durable(1, "alarms"), put(1, batch), owe(1, 1)});
    journal.commit({bury, settle(1, 1)});
    journal.commit({bury});
    CHECK(journal.space.live_bytes == 0);
    journal.crash_and_restart();
    CHECK(journal.recovered.space.dead_letters == 3);
    CHECK(journal.recovered.streams.empty());
}

TEST_CASE_TEMPLATE_DEFINE("a dead letter without bytes takes them from its batch", F,
                          contract_dead_from_row) {
    Subject<F> journal;
    journal.commit({durable(1, "alarms"), put(1, make_batch("a", 5)), owe(1, 1)});
    journal.commit({Bury{stream(1), BatchId{1}, {}, 0, 5, "given up", 1'000}, settle(1, 1)});
    journal.commit({Bury{stream(1), BatchId{2}, {}, 0, 5, "never was there", 1'000}});
    journal.crash_and_restart();
    CHECK(journal.recovered.space.dead_letters == 5);
}

TEST_CASE_TEMPLATE_DEFINE(
    "a dropped destination's entries become dead letters if there is a reason", F,
    contract_dead_with_destination) {
    Subject<F> journal;
    const Batch batch = make_batch("a", 5);
    journal.commit({durable(1, "gone"), durable(2, "stays")});
    std::vector<Change> changes;
    for (std::uint64_t id = 1; id <= 1'500; ++id) {
        changes.emplace_back(put(id, batch, id % 3 == 0 ? 2 : 1));
        changes.emplace_back(owe(1, id));
        if (id % 3 == 0) changes.emplace_back(owe(2, id));
    }
    changes.emplace_back(Progress{stream(1), BatchId{7}, 2});
    journal.commit(std::move(changes));
    journal.commit({DropDestination{DestinationId{1}, "peer gone was removed", "gone", 1'000}});
    journal.crash_and_restart();
    CHECK(journal.found(stream(1)) == nullptr);
    CHECK(journal.read(stream(2)).size() == 500);
    std::uint64_t commits = 0;
    do {
        journal.await(journal.submit({PeerMark{AgentId{{1, 1}}, 1, ++commits}}, false));
    } while (journal.space.live_bytes > 500 * batch.size() && commits < 100);
    CHECK(journal.space.live_bytes == 500 * batch.size());
    CHECK(journal.space.dead_letters == 1'500 * 5 - 2);
}

}  // namespace bus::journal_contract

#define BUS_JOURNAL_CONTRACT_DEAD_LETTERS(Fixture)              \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead, Fixture);          \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_from_row, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_with_destination, Fixture)
