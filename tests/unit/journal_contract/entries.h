// Entries: what a batch is owed to, until its last settlement.
#pragma once

#include "subject.h"

namespace bus::journal_contract {

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

TEST_CASE_TEMPLATE_DEFINE("ids are never used twice", F, contract_highest) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    journal.commit({durable(5, "alarms"), put(30, batch), owe(5, 30)});
    journal.commit({settle(5, 30), DropDestination{DestinationId{5}}});
    journal.crash_and_restart();
    CHECK(journal.recovered.last_batch == BatchId{30});
    CHECK(journal.recovered.last_destination == DestinationId{5});
}

}  // namespace bus::journal_contract

#define BUS_JOURNAL_CONTRACT_ENTRIES(Fixture)              \
    TEST_CASE_TEMPLATE_INVOKE(contract_settle, Fixture);   \
    TEST_CASE_TEMPLATE_INVOKE(contract_repeat, Fixture);   \
    TEST_CASE_TEMPLATE_INVOKE(contract_later, Fixture);    \
    TEST_CASE_TEMPLATE_INVOKE(contract_progress, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_totals, Fixture);   \
    TEST_CASE_TEMPLATE_INVOKE(contract_highest, Fixture)
