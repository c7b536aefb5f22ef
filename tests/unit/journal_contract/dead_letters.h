// Dead letters: kept once, apart from their batch; found, and dropped.
#pragma once

#include "subject.h"

namespace bus::journal_contract {

inline Bury buried(std::uint32_t to, std::uint64_t id, const Batch& batch, std::uint32_t first,
                   std::uint32_t count, std::string reason) {
    return {.stream = stream(to),
            .id = BatchId{id},
            .batch = batch,
            .first = first,
            .count = count,
            .reason = std::move(reason),
            .wall_micros = 1'000 * id,
            .attempts = 3,
            .taken_wall_micros = 7};
}
inline FindDeadLetters all(std::size_t letters_max = 1'000) {
    return {.filter = {}, .letters_max = letters_max, .bytes_max = 1 << 20};
}
inline Ids ids_of(const DeadLettersFound& found) {
    Ids ids;
    for (const DeadLetter& letter : found.letters) ids.push_back(letter.id.value);
    return ids;
}
// A part of a large message of three, which begins at sequence 100.
inline Batch make_part(std::uint32_t index) {
    auto header = test::sample_header();
    header.channel = "big";
    header.flags = wire::batch_flag::part;
    header.sequence = header.channel_sequence = 100 + index;
    header.part = wire::Part{.first_sequence = 100, .index = index, .total = 3, .total_bytes = 60};
    auto batch = OwnedBatch::make(test::sample_batch({{"a piece of a large mess"}}, header));
    REQUIRE(batch.has_value());
    return *batch;
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
    const DeadLetter letter = journal.find(all(1)).letters.at(0);
    CHECK(letter.type == Destination::Type::durable);
    CHECK(letter.name == "gone");
    CHECK(letter.reason == "peer gone was removed");
}

TEST_CASE_TEMPLATE_DEFINE("a dead letter has its messages, where they were bound for and why", F,
                          contract_dead_found) {
    Subject<F> journal;
    const Batch batch = make_batch("a.b", 5);
    journal.commit({durable(1, "alarms"), put(1, batch), owe(1, 1)});
    journal.commit({buried(1, 1, batch, 2, 3, "rejected"), settle(1, 1)});
    journal.crash_and_restart();
    FindDeadLetters request = all();
    request.number = 17;
    request.with_batches = true;
    const auto found = journal.find(request);
    CHECK(found.request.number == 17);
    CHECK(found.last);
    REQUIRE(found.letters.size() == 1);
    const DeadLetter& letter = found.letters.front();
    CHECK(letter.type == Destination::Type::durable);
    CHECK(letter.destination == DestinationId{1});
    CHECK(letter.name == "alarms");
    CHECK(letter.channel == wire::ChannelKey{wire::Kind::topic, "a.b"});
    CHECK(letter.producer == batch.header().producer);
    CHECK(letter.sequence == batch.header().sequence + 2);
    CHECK(letter.messages == 3);
    CHECK(letter.attempts == 3);
    CHECK(letter.taken_wall_micros == 7);
    CHECK(letter.buried_wall_micros == 1'000);
    CHECK(letter.reason == "rejected");
    REQUIRE(letter.batch);
    CHECK(letter.bytes == letter.batch.size());
    CHECK(letter.batch.header().sequence == letter.sequence);
    CHECK(letter.batch.header().channel_sequence == batch.header().channel_sequence + 2);
    CHECK(letter.batch.messages() == 3);
    wire::MessageWalk walk{letter.batch.body(), letter.sequence,
                           wire::MessageWalk::Check::checksum};
    std::size_t intact = 0;
    while (const auto message = walk.next()) intact += message->intact ? 1 : 0;
    CHECK(intact == 3);
    CHECK_FALSE(journal.find(all()).letters.front().batch);
}

TEST_CASE_TEMPLATE_DEFINE("dead letters are found in pages, by channel, reason and id", F,
                          contract_dead_filter) {
    Subject<F> journal;
    std::vector<Change> changes{durable(1, "alarms"), durable(2, "other")};
    for (std::uint64_t id = 1; id <= 6; ++id)
        changes.emplace_back(buried(id % 2 == 0 ? 2 : 1, id,
                                    make_batch(id <= 4 ? "plant.one" : "plant.two", 2), 0, 2,
                                    id == 3 ? "Too Old" : "rejected"));
    journal.commit(std::move(changes));
    auto page = journal.find(all(4));
    CHECK(ids_of(page) == Ids{1, 2, 3, 4});
    CHECK_FALSE(page.last);
    FindDeadLetters request = all();
    request.filter.after = page.letters.back().id;
    page = journal.find(request);
    CHECK(ids_of(page) == Ids{5, 6});
    CHECK(page.last);

    request = all();
    request.bytes_max = 1;
    CHECK(ids_of(journal.find(request)) == Ids{1});
    request = all();
    request.filter.channels = {{std::nullopt, "none"}, {std::nullopt, "*.two"}};
    CHECK(ids_of(journal.find(request)) == Ids{5, 6});
    request.filter.channels = {{wire::Kind::queue, "**"}};
    CHECK(journal.find(request).letters.empty());
    request = all();
    request.filter.reason = "too o";
    CHECK(ids_of(journal.find(request)) == Ids{3});
    request = all();
    request.filter.ids = {DeadLetterId{6}, DeadLetterId{99}, DeadLetterId{2}, DeadLetterId{2}};
    CHECK(ids_of(journal.find(request)) == Ids{2, 6});
    request.filter.through = DeadLetterId{5};
    CHECK(ids_of(journal.find(request)) == Ids{2});
}

TEST_CASE_TEMPLATE_DEFINE("dead letters are counted by channel, destination and reason", F,
                          contract_dead_totals) {
    Subject<F> journal;
    std::vector<Change> changes{durable(1, "alarms"), durable(2, "other")};
    for (std::uint64_t id = 1; id <= 6; ++id)
        changes.emplace_back(buried(id <= 3 ? 1 : 2, id, make_batch("a", 2), 0, 2,
                                    id == 6 ? "too old" : "rejected"));
    journal.commit(std::move(changes));
    FindDeadLetters request = all();
    request.totals = true;
    const auto found = journal.find(request);
    CHECK(found.letters.empty());
    CHECK(found.last);
    REQUIRE(found.totals.size() == 3);
    CHECK(found.totals[0].name == "alarms");
    CHECK(found.totals[0].letters == 3);
    CHECK(found.totals[0].messages == 6);
    CHECK(found.totals[0].oldest_wall_micros == 1'000);
    CHECK(found.totals[0].newest_wall_micros == 3'000);
    CHECK(found.totals[2].reason == "too old");
    request.letters_max = 1;
    const auto few = journal.find(request);
    REQUIRE(few.totals.size() == 2);
    CHECK(few.totals[1].channel.name.empty());
    CHECK(few.totals[1].letters == 3);
}

TEST_CASE_TEMPLATE_DEFINE("a dropped dead letter is gone, and its number is not used again", F,
                          contract_dead_dropped) {
    Subject<F> journal;
    const Batch batch = make_batch("a", 4);
    journal.commit({durable(1, "alarms"), buried(1, 1, batch, 0, 1, "rejected"),
                    buried(1, 1, batch, 2, 2, "rejected")});
    CHECK(journal.space.dead_letters == 3);
    journal.commit({DropDeadLetter{DeadLetterId{2}}, DropDeadLetter{DeadLetterId{2}},
                    DropDeadLetter{DeadLetterId{77}}});
    CHECK(journal.space.dead_letters == 1);
    journal.crash_and_restart();
    CHECK(journal.recovered.space.last_dead_letter == DeadLetterId{2});
    journal.commit({buried(1, 2, batch, 0, 4, "rejected")});
    CHECK(journal.space.dead_letters == 5);
    CHECK(journal.space.last_dead_letter == DeadLetterId{3});
    CHECK(ids_of(journal.find(all())) == Ids{1, 3});
}

TEST_CASE_TEMPLATE_DEFINE("one part of a large message stands for all, and knows what is behind it",
                          F, contract_dead_parts) {
    Subject<F> journal;
    std::vector<Change> changes{durable(1, "alarms"), durable(2, "other")};
    for (std::uint32_t index = 0; index < 3; ++index)
        changes.emplace_back(buried(1, 1 + index, make_part(index), 0, 1, "rejected"));
    changes.emplace_back(buried(2, 9, make_part(1), 0, 1, "rejected"));
    journal.commit(std::move(changes));
    FindDeadLetters request = all();
    request.filter.ids = {DeadLetterId{2}};
    request.with_batches = true;
    auto found = journal.find(request);
    CHECK(ids_of(found) == Ids{1, 2, 3});
    for (const DeadLetter& letter : found.letters) CHECK(letter.has_rest);
    REQUIRE(found.letters.front().part);
    CHECK(found.letters.front().part->first_sequence == 100);
    CHECK(found.letters.front().part->total == 3);

    journal.commit({DropDeadLetter{DeadLetterId{3}}});
    found = journal.find(request);
    CHECK(ids_of(found) == Ids{1, 2});
    for (const DeadLetter& letter : found.letters) CHECK_FALSE(letter.has_rest);
}

}  // namespace bus::journal_contract

#define BUS_JOURNAL_CONTRACT_DEAD_LETTERS(Fixture)                      \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead, Fixture);                  \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_from_row, Fixture);         \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_with_destination, Fixture); \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_found, Fixture);            \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_filter, Fixture);           \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_totals, Fixture);           \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_dropped, Fixture);          \
    TEST_CASE_TEMPLATE_INVOKE(contract_dead_parts, Fixture)
