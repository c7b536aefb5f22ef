// What the cases of the contract stand on: changes in short, and a fixture
// with the numbering of submissions and the questions that are asked again and
// again.
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
    DeadLettersFound find(const FindDeadLetters& request) {
        fixture.find(request);
        JournalAnswer answer = fixture.next();
        while (std::holds_alternative<Committed>(answer)) answer = fixture.next();
        REQUIRE(std::holds_alternative<DeadLettersFound>(answer));
        return std::get<DeadLettersFound>(std::move(answer));
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

}  // namespace bus::journal_contract
