// Commits: all of a transaction or nothing, in order, and there after a crash.
#pragma once

#include "subject.h"

namespace bus::journal_contract {

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

TEST_CASE_TEMPLATE_DEFINE("Puts may come before all their Owes", F, contract_interleaved) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    journal.commit({put(1, batch, 2), put(2, batch), owe(1, 1), owe(1, 2), owe(2, 1)});
    journal.commit({settle(1, 1), settle(1, 2)});
    CHECK(journal.ids(stream(1)) == Ids{});
    CHECK(journal.ids(stream(2)) == Ids{1});
    CHECK(journal.space.live_bytes == batch.size());
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

}  // namespace bus::journal_contract

#define BUS_JOURNAL_CONTRACT_COMMITS(Fixture)                 \
    TEST_CASE_TEMPLATE_INVOKE(contract_new, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_incarnation, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_survives, Fixture);    \
    TEST_CASE_TEMPLATE_INVOKE(contract_atomic, Fixture);      \
    TEST_CASE_TEMPLATE_INVOKE(contract_order, Fixture);       \
    TEST_CASE_TEMPLATE_INVOKE(contract_interleaved, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_lazy, Fixture);        \
    TEST_CASE_TEMPLATE_INVOKE(contract_account, Fixture)
