// Reading back: by id, lane and channel, in pieces.
#pragma once

#include "subject.h"

namespace bus::journal_contract {

TEST_CASE_TEMPLATE_DEFINE("a stream is read in the order of ids, not of commits", F, contract_ids) {
    Subject<F> journal;
    const Batch batch = make_batch("a");
    journal.commit({put(9, batch), owe(1, 9), put(4, batch), owe(1, 4)});
    journal.commit({put(6, batch), owe(1, 6)});
    CHECK(journal.ids(stream(1)) == Ids{4, 6, 9});
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

TEST_CASE_TEMPLATE_DEFINE("a delay line is read by when its entries are due", F, contract_due) {
    Subject<F> journal;
    const auto due = [](std::uint64_t id, std::uint64_t when) {
        Owe one = owe(1, id);
        one.due_wall_micros = when;
        return one;
    };
    const Batch a = make_batch("a");
    journal.commit({put(1, a), due(1, 500), put(2, a), due(2, 300), put(3, a), due(3, 300),
                    put(4, a), due(4, 400), put(5, a), owe(2, 5)});
    journal.crash_and_restart();
    const auto read = [&](std::uint64_t from, std::uint64_t id, std::uint64_t bytes = 1 << 20) {
        ReadBack request{stream(1), BatchId{id}, bytes, std::nullopt};
        request.due_wall_micros = from;
        return journal.load(request);
    };
    const auto ids = [](const Loaded& loaded) {
        Ids found;
        for (const auto& entry : loaded.entries) found.push_back(entry.id.value);
        return found;
    };
    const Loaded all = read(0, 0);
    CHECK(ids(all) == Ids{2, 3, 4, 1});
    CHECK(all.last);
    CHECK(all.entries[0].due_wall_micros == 300);
    CHECK(ids(read(300, 3)) == Ids{3, 4, 1});
    CHECK(ids(read(301, 0)) == Ids{4, 1});
    const Loaded piece = read(0, 0, 1);
    CHECK(ids(piece) == Ids{2});
    CHECK_FALSE(piece.last);
    journal.commit({settle(1, 3), settle(1, 2)});
    CHECK(ids(read(0, 0)) == Ids{4, 1});
    REQUIRE(journal.found(stream(1)));
    CHECK(journal.found(stream(1))->entries == 4);
}

}  // namespace bus::journal_contract

#define BUS_JOURNAL_CONTRACT_READING(Fixture)             \
    TEST_CASE_TEMPLATE_INVOKE(contract_ids, Fixture);     \
    TEST_CASE_TEMPLATE_INVOKE(contract_lanes, Fixture);   \
    TEST_CASE_TEMPLATE_INVOKE(contract_pieces, Fixture);  \
    TEST_CASE_TEMPLATE_INVOKE(contract_channel, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_due, Fixture)
