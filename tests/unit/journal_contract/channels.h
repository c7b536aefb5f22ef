// By channel: what is there is told to who watches, and the old can be read alone.
#pragma once

#include "subject.h"

namespace bus::journal_contract {

using Totals = std::vector<Watched::Total>;
inline Watched::Total total(std::initializer_list<Batch> batches) {
    Watched::Total total;
    for (const Batch& batch : batches) {
        total.bytes += batch.size();
        total.messages += batch.messages();
    }
    return total;
}

// The next time that the journal tells what is watched.
template <class F>
Watched next_watched(Subject<F>& journal) {
    JournalAnswer answer = journal.fixture.next();
    while (std::holds_alternative<Committed>(answer)) answer = journal.fixture.next();
    REQUIRE(std::holds_alternative<Watched>(answer));
    return std::get<Watched>(std::move(answer));
}
inline Watch watch(std::uint64_t version, std::vector<std::string> filters) {
    Watch watch{version, {}};
    for (auto& filter : filters) watch.all.push_back({{wire::Kind::topic, std::move(filter)}});
    return watch;
}

TEST_CASE_TEMPLATE_DEFINE("who watches channels is told their bytes, each batch once", F,
                          contract_watch) {
    Subject<F> journal;
    const Batch a = make_batch("plant.a"), b = make_batch("plant.b", 5), c = make_batch("other");
    journal.commit({put(1, a, 2), owe(1, 1), owe(2, 1), put(2, c), owe(1, 2)});
    journal.submit({watch(7, {"plant.**", "plant.b", "nowhere"})});
    const Watched first = next_watched(journal);
    CHECK(first.version == 7);
    CHECK(first.all == Totals{total({a}), {}, {}});
    journal.submit({put(3, b), owe(1, 3)});
    CHECK(next_watched(journal).all == Totals{total({a, b}), total({b}), {}});
    journal.submit({settle(1, 1)});  // it is owed once more
    journal.submit({settle(1, 3)});
    CHECK(next_watched(journal).all == Totals{total({a}), {}, {}});
    journal.submit({settle(2, 1)});
    CHECK(next_watched(journal).all == Totals{{}, {}, {}});
}

TEST_CASE_TEMPLATE_DEFINE("of both kinds, or of one", F, contract_watch_kinds) {
    Subject<F> journal;
    const Batch a = make_batch("a");
    journal.commit({put(1, a), owe(1, 1)});
    journal.submit({Watch{1, {{{std::nullopt, "a"}}, {{wire::Kind::queue, "a"}}}}});
    CHECK(next_watched(journal).all == Totals{total({a}), {}});
}

TEST_CASE_TEMPLATE_DEFINE("of one user, over all channels, and after a crash", F,
                          contract_watch_owner) {
    Subject<F> journal;
    const Batch a = make_batch("a"), b = make_batch("b", 5);
    const auto of = [](std::uint64_t id, const Batch& batch, core::Owner owner) {
        Put one = put(id, batch);
        one.owner = owner;
        return one;
    };
    journal.commit({of(1, a, 7), owe(1, 1), of(2, b, 7), owe(1, 2), of(3, a, 8), owe(1, 3),
                    of(4, a, 0), owe(1, 4)});
    const ChannelFilter everything{std::nullopt, "**"};
    const Watch watch{1, {{everything, 7}, {everything, 8}, {everything, 9}, {everything}}};
    journal.submit({watch});
    CHECK(next_watched(journal).all == Totals{total({a, b}), total({a}), {}, total({a, a, a, b})});
    journal.submit({settle(1, 1)});
    CHECK(next_watched(journal).all == Totals{total({b}), total({a}), {}, total({a, a, b})});
    journal.crash_and_restart();
    journal.submit({watch});
    CHECK(next_watched(journal).all == Totals{total({b}), total({a}), {}, total({a, a, b})});
    ReadBack request{.stream = stream(1), .after = {}, .bytes = 1 << 20, .channel = {}};
    const Loaded loaded = journal.load(request);
    REQUIRE(loaded.entries.size() == 3);
    CHECK(loaded.entries[0].owner == 7);
    CHECK(loaded.entries[2].owner == 0);
}

TEST_CASE_TEMPLATE_DEFINE("totals of channels outlive a crash; who watches asks anew", F,
                          contract_watch_crash) {
    Subject<F> journal;
    const Batch a = make_batch("a"), b = make_batch("b");
    journal.commit({put(1, a), owe(1, 1), put(2, b), owe(1, 2), put(3, b), owe(1, 3)});
    journal.commit({settle(1, 2)});
    journal.crash_and_restart();
    journal.commit({put(4, a), owe(1, 4)});  // and nothing is told
    journal.submit({watch(1, {"a", "b"})});
    CHECK(next_watched(journal).all == Totals{total({a, a}), total({b})});
}

TEST_CASE_TEMPLATE_DEFINE("what ends with its destination is in no total any more", F,
                          contract_watch_drop) {
    Subject<F> journal;
    const Batch a = make_batch("a");
    journal.commit({durable(1, "d"), put(1, a), owe(1, 1), put(2, a, 2), owe(1, 2), owe(2, 2)});
    journal.submit({watch(1, {"a"})});
    CHECK(next_watched(journal).all == Totals{total({a, a})});
    journal.submit({DropDestination{DestinationId{1}}});
    CHECK(next_watched(journal).all == Totals{total({a})});
}

TEST_CASE_TEMPLATE_DEFINE("the old of some channels are read alone", F, contract_old) {
    Subject<F> journal;
    const Batch a = make_batch("a"), b = make_batch("b");
    std::vector<Change> changes;
    for (std::uint64_t id = 1; id <= 6; ++id) {
        Put one = put(id, id % 2 == 0 ? a : b);
        one.taken_wall_micros = id * 1'000'000;
        changes.insert(changes.end(), {one, owe(1, id)});
    }
    journal.commit(std::move(changes));
    ReadBack request{.stream = stream(1), .after = {}, .bytes = 1 << 20, .channel = {}};
    request.old = ReadBack::Old{{wire::Kind::topic, "a"}, 4'500'000};
    const Loaded old = journal.load(request);
    REQUIRE(old.entries.size() == 2);
    CHECK(old.entries[0].id == BatchId{2});
    CHECK(old.entries[1].id == BatchId{4});
    CHECK(old.entries[1].taken_wall_micros == 4'000'000);
    CHECK(old.last);
    CHECK(old.looked_at == BatchId{5});  // 6 is of the channel and younger
    CHECK(old.next_taken_wall_micros == 6'000'000);

    request.bytes = 1;
    const Loaded piece = journal.load(request);
    CHECK(piece.entries.size() == 1);
    CHECK_FALSE(piece.last);
    request.after = piece.looked_at;
    CHECK(journal.load(request).entries.front().id == BatchId{4});

    request.after = BatchId{5};
    request.old->before_wall_micros = 9'000'000;
    const Loaded end = journal.load(request);
    CHECK(end.entries.size() == 1);
    CHECK(end.looked_at == BatchId{6});
    CHECK(end.next_taken_wall_micros == 0);
}

TEST_CASE_TEMPLATE_DEFINE("the old of one channel alone, though the filter covers others", F,
                          contract_old_channel) {
    Subject<F> journal;
    const Batch a = make_batch("a"), b = make_batch("b");
    journal.commit(
        {put(1, a), owe(1, 1), put(2, b), owe(1, 2), put(3, a), owe(1, 3), put(4, b), owe(1, 4)});
    ReadBack request{.stream = stream(1), .after = {}, .bytes = 1 << 20, .channel = {}};
    request.channel = wire::channel_hash(wire::Kind::topic, "b");
    request.old = ReadBack::Old{{std::nullopt, "*"}, 1};
    const Loaded old = journal.load(request);
    REQUIRE(old.entries.size() == 2);
    CHECK(old.entries[0].id == BatchId{2});
    CHECK(old.entries[1].id == BatchId{4});
}

}  // namespace bus::journal_contract

#define BUS_JOURNAL_CONTRACT_CHANNELS(Fixture)                \
    TEST_CASE_TEMPLATE_INVOKE(contract_watch, Fixture);       \
    TEST_CASE_TEMPLATE_INVOKE(contract_watch_kinds, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_watch_owner, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_watch_crash, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_watch_drop, Fixture);  \
    TEST_CASE_TEMPLATE_INVOKE(contract_old, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_old_channel, Fixture)
