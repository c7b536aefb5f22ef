#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "batches.h"
#include "core/keeper.h"
#include "core/run.h"

using namespace bus;
using namespace bus::core;

namespace {

// A stream whose entries are journaled on command, as the keeper would.
struct Desk {
    StreamId stream{DestinationId{1}, wire::Lane::normal};
    Keeper keeper{Recovered{}, Time{}, 0};
    Run run{stream};
    std::vector<LoadedEntry> disk;
    std::uint64_t next = 0;
    static constexpr std::uint64_t memory = 10'000;

    Entry make() {
        ++next;
        return {keeper.take(test::make_batch({.sequence = next, .payload = 1'000}), {{stream, 0}},
                            never),
                0};
    }
    Entry offer() {
        Entry entry = make();
        run.push(entry);
        return entry;
    }
    void journal(const Entry& entry) {
        entry.custody->place = Custody::Place::journaled;
        disk.push_back({.id = entry.id(), .batch = entry.batch(), .messages = 1});
    }
    void offer_journaled() {
        journal(offer());
        run.trim(memory);
    }
    bool read() {
        const auto request = run.read_on(memory);
        if (!request) return false;
        Loaded answer{.request = *request, .last = true};
        std::uint64_t bytes = 0;
        for (const auto& row : disk) {
            if (row.id <= request->after) continue;
            if (bytes > memory / 2) {
                answer.last = false;
                break;
            }
            answer.entries.push_back(row);
            bytes += row.batch.size();
        }
        run.loaded(
            answer, [&](const LoadedEntry& row) { return keeper.taken_back(row, stream); },
            [](const LoadedEntry&) { FAIL("nothing is damaged"); });
        return true;
    }
};

}  // namespace

TEST_CASE("a long run keeps its front in memory and comes back in order") {
    Desk desk;
    for (int i = 0; i < 100; ++i) desk.offer_journaled();
    CHECK(desk.run.memory_bytes() <= Desk::memory);
    CHECK(desk.run.spilled());
    CHECK(desk.run.size().entries == 100);
    for (std::uint64_t expected = 1; expected <= 100; ++expected) {
        while (desk.run.front() == nullptr) REQUIRE(desk.read());
        CHECK(desk.run.pop().batch().header().sequence == expected);
        CHECK(desk.run.memory_bytes() <= 2 * Desk::memory);
    }
    CHECK(desk.run.empty());
    CHECK(desk.run.size().bytes == 0);
}

TEST_CASE("what is not journaled yet does not leave memory, and is not overtaken") {
    Desk desk;
    for (int i = 0; i < 50; ++i) desk.offer_journaled();
    const Entry early = desk.offer();
    const Entry late = desk.offer();
    desk.journal(late);  // another source's commit was first
    desk.run.trim(Desk::memory);
    for (std::uint64_t expected = 1; expected <= 50; ++expected) {
        while (desk.run.front() == nullptr) REQUIRE(desk.read());
        CHECK(desk.run.pop().batch().header().sequence == expected);
    }
    REQUIRE(desk.run.front() != nullptr);
    CHECK(desk.run.pop().batch().header().sequence == 51);
    CHECK(desk.run.pop().batch().header().sequence == 52);
    CHECK(desk.run.empty());
}

TEST_CASE("who publishes without a pause does not fill memory") {
    Desk desk;
    std::deque<Entry> on_its_way;
    for (int i = 0; i < 200; ++i) {
        on_its_way.push_back(desk.offer());
        if (on_its_way.size() < 5) continue;
        desk.journal(on_its_way.front());
        on_its_way.pop_front();
        desk.run.trim(Desk::memory);
        CHECK(desk.run.memory_bytes() <= Desk::memory + 5 * 1'100);
    }
    CHECK(desk.run.size().entries == 200);
    for (const Entry& entry : on_its_way) desk.journal(entry);
    desk.run.trim(Desk::memory);
    for (std::uint64_t expected = 1; expected <= 200; ++expected) {
        while (desk.run.front() == nullptr) REQUIRE(desk.read());
        CHECK(desk.run.pop().batch().header().sequence == expected);
    }
    CHECK(desk.run.empty());
    CHECK(desk.run.size().bytes == 0);
}

TEST_CASE("what waits for its commit stays where it is while others leave memory") {
    Desk desk;
    std::vector<Entry> entries;
    for (int i = 0; i < 40; ++i) entries.push_back(desk.offer());
    desk.run.trim(Desk::memory);  // nothing is on disk: all of it stays
    CHECK(desk.run.memory_bytes() > 2 * Desk::memory);
    for (std::size_t i = 0; i < 40; ++i)
        if (i % 10 != 9) desk.journal(entries[i]);
    desk.run.trim(Desk::memory);
    CHECK(desk.run.memory_bytes() <= Desk::memory + 1'200);  // the tenth
    CHECK(desk.run.size().entries == 40);
    for (std::size_t i = 9; i < 40; i += 10) desk.journal(entries[i]);
    desk.run.trim(Desk::memory);
    std::ranges::sort(desk.disk, {}, &LoadedEntry::id);
    for (std::uint64_t expected = 1; expected <= 40; ++expected) {
        while (desk.run.front() == nullptr) REQUIRE(desk.read());
        CHECK(desk.run.pop().batch().header().sequence == expected);
    }
    CHECK(desk.run.empty());
}

TEST_CASE("rows that have vanished are accounted for, not waited for") {
    Desk desk;
    for (int i = 0; i < 100; ++i) desk.offer_journaled();
    const auto in_memory = desk.run.size().entries - desk.run.on_disk().entries;
    for (std::uint64_t i = 0; i < in_memory; ++i) desk.run.pop();
    const auto request = desk.run.read_on(Desk::memory);
    REQUIRE(request);
    std::uint64_t lost = 0;
    desk.run.loaded(
        Loaded{.request = *request, .last = true},
        [&](const LoadedEntry& row) { return desk.keeper.taken_back(row, desk.stream); },
        [&](const LoadedEntry& row) { lost += row.messages; });
    CHECK(lost == 100 - in_memory);
    CHECK(desk.run.empty());
}

TEST_CASE("what leaves memory here leaves it, though another destination shares it") {
    Desk desk;
    const StreamId other{DestinationId{2}, wire::Lane::normal};
    std::vector<Entry> shared;
    for (int i = 0; i < 20; ++i) {
        const Batch batch = test::make_batch({.sequence = ++desk.next, .payload = 1'000});
        const auto custody = desk.keeper.take(batch, {{desk.stream, 0}, {other, 0}}, never);
        desk.run.push({custody, 0});
        custody->place = Custody::Place::journaled;
        shared.push_back({custody, 1});
    }
    for (const Entry& handed_out : shared) desk.keeper.spare_bytes(handed_out);
    CHECK(desk.keeper.meter.bytes() > 2 * Desk::memory);
    desk.run.trim(Desk::memory);
    CHECK(desk.keeper.meter.bytes() <= Desk::memory);
    CHECK(shared.front().batch());
    CHECK_FALSE(shared.back().batch());
}
