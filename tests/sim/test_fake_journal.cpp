// The simulator's journal keeps the contract that SQLite's keeps, and fails as
// it says it does.
#include "../unit/journal_contract.h"
#include "fake_journal.h"

namespace bus::journal_contract {

class FakeFixture {
  public:
    core::Recovered start() {
        now_ = Time{};
        answers_.clear();
        const auto before = journal_.visible().incarnation();
        return journal_.open(AgentId{{1, 2}}, before + 1);
    }
    void submit(core::Transaction transaction) { journal_.submit(std::move(transaction), now_); }
    void read(core::ReadBack request) { journal_.read(std::move(request), now_); }
    void find(core::FindDeadLetters request) { journal_.find(std::move(request), now_); }
    core::JournalAnswer next() {
        while (answers_.empty()) {
            const Time due = journal_.next_due();
            REQUIRE(due != never);
            now_ = std::max(now_, due);
            for (auto& answer : journal_.advance(now_)) answers_.push_back(std::move(answer));
        }
        auto answer = std::move(answers_.front());
        answers_.pop_front();
        return answer;
    }
    void stop() { journal_.stop(); }
    void crash() { journal_.crash(); }

    sim::FakeJournal& journal() { return journal_; }

  private:
    sim::FakeJournal journal_{7};
    Time now_{};
    std::deque<core::JournalAnswer> answers_;
};

BUS_JOURNAL_CONTRACT(FakeFixture);

TEST_CASE("a full disk fails new data and goes on settling") {
    Subject<FakeFixture> subject;
    const Batch batch = make_batch("a");
    subject.commit({put(1, batch), owe(1, 1)});
    subject.fixture.journal().set_full(true);
    const auto refused = subject.submit({put(2, batch), owe(1, 2)});
    const auto answer = subject.fixture.next();
    REQUIRE(std::holds_alternative<Failed>(answer));
    CHECK(std::get<Failed>(answer).number == refused);
    CHECK(std::get<Failed>(answer).cause == Failed::Cause::full);
    subject.commit({settle(1, 1)});
    CHECK(subject.ids(stream(1)) == Ids{});
    subject.fixture.journal().set_full(false);
    subject.commit({put(2, batch), owe(1, 2)});
    CHECK(subject.ids(stream(1)) == Ids{2});
}

TEST_CASE("what is in doubt may be there, and may be gone after a crash") {
    int visible = 0, kept = 0;
    for (int round = 0; round < 40; ++round) {
        sim::FakeJournal journal{static_cast<std::uint64_t>(round)};
        (void)journal.open(AgentId{{1, 2}}, 1);
        sim::JournalTempo tempo;
        tempo.in_doubt_per_mille = 1000;
        journal.set_tempo(tempo);
        const Batch batch = make_batch("a");
        journal.submit({Submission{1}, true, {put(1, batch), owe(1, 1)}}, Time{});
        std::vector<JournalAnswer> answers;
        while (answers.empty()) answers = journal.advance(journal.next_due());
        REQUIRE(std::holds_alternative<Undecided>(answers.front()));
        const bool seen = !journal.visible().rows().empty();
        journal.crash();
        const bool there = !journal.visible().rows().empty();
        CHECK((seen || !there));
        visible += seen;
        kept += there;
    }
    CHECK(visible > 0);
    CHECK(visible < 40);
    CHECK(kept > 0);
    CHECK(kept < visible);
}

TEST_CASE("a damaged row is named, skipped and gone") {
    Subject<FakeFixture> subject;
    const Batch batch = make_batch("a", 4);
    subject.commit({put(1, batch), owe(1, 1), put(2, batch), owe(1, 2)});
    REQUIRE(subject.fixture.journal().spoil(0));
    subject.fixture.read({stream(1), BatchId{0}, 1 << 20, std::nullopt});
    const auto damaged = subject.fixture.next();
    REQUIRE(std::holds_alternative<Damaged>(damaged));
    REQUIRE(std::get<Damaged>(damaged).lost.size() == 1);
    CHECK(std::get<Damaged>(damaged).lost.front().first == BatchId{1});
    CHECK(std::get<Damaged>(damaged).lost.front().messages == 4);
    CHECK(std::holds_alternative<Loaded>(subject.fixture.next()));
    CHECK(subject.ids(stream(1)) == Ids{2});
}

}  // namespace bus::journal_contract
