#include "fake_journal.h"

#include <algorithm>

namespace bus::sim {

using namespace core;
using namespace std::chrono_literals;

namespace {

constexpr Duration idle_flush = 100ms;
constexpr Duration retry_after = 1s;

bool only_frees(const Transaction& transaction) {
    return std::none_of(
        transaction.changes.begin(), transaction.changes.end(), [](const Change& change) {
            return std::holds_alternative<Put>(change) || std::holds_alternative<Owe>(change) ||
                   std::holds_alternative<PutLastValue>(change);
        });
}

std::uint64_t bytes_of(const Transaction& transaction) {
    std::uint64_t bytes = 0;
    for (const auto& change : transaction.changes)
        if (const auto* put = std::get_if<Put>(&change))
            bytes += put->batch.size();
        else if (const auto* last = std::get_if<PutLastValue>(&change))
            bytes += last->batch.size();
    return bytes;
}

}  // namespace

Recovered FakeJournal::open(AgentId agent, std::uint64_t incarnation) {
    Recovered found = visible_.recovered();
    found.space = space();
    if (is_full()) retry_at_ = Time{};
    found.incarnation_now = incarnation;
    visible_.start(agent, incarnation);
    if (doubtful_) durable_.start(agent, incarnation);
    return found;
}

void FakeJournal::submit(Transaction transaction, Time now) {
    if (dropping_) return;
    if (waiting_.empty()) idle_since_ = now;
    waiting_.emplace_back(std::move(transaction));
    begin(now);
}

void FakeJournal::read(ReadBack request, Time now) {
    waiting_.emplace_back(Question{std::move(request)});
    begin(now);
}

void FakeJournal::find(FindDeadLetters request, Time now) {
    waiting_.emplace_back(Question{std::move(request)});
    begin(now);
}

bool FakeJournal::is_urgent() const {
    return std::any_of(waiting_.begin(), waiting_.end(), [](const Request& request) {
        const auto* transaction = std::get_if<Transaction>(&request);
        return transaction == nullptr || transaction->urgent;
    });
}

Time FakeJournal::next_due() const {
    if (phase_ != Phase::idle) return due_;
    if (!answers_.empty()) return Time{};
    return std::min(retry_at_, waiting_.empty() ? never : idle_since_ + idle_flush);
}

void FakeJournal::begin(Time now) {
    if (phase_ != Phase::idle || waiting_.empty()) return;
    if (const auto* request = std::get_if<Question>(&waiting_.front())) {
        reading_ = *request;
        waiting_.pop_front();
        phase_ = Phase::reading;
        due_ = now + random_.between(Duration{0}, tempo_.read_max);
        return;
    }
    if (!is_urgent() && now < idle_since_ + idle_flush) return;
    begin_commit(now);
}

void FakeJournal::begin_commit(Time now) {
    while (!waiting_.empty() && std::holds_alternative<Transaction>(waiting_.front())) {
        writing_.push_back(std::get<Transaction>(std::move(waiting_.front())));
        waiting_.pop_front();
    }
    phase_ = Phase::writing;
    due_ = now + random_.between(tempo_.commit_min, tempo_.commit_max);
}

std::vector<JournalAnswer> FakeJournal::advance(Time now) {
    if (phase_ != Phase::idle && due_ <= now) {
        switch (phase_) {
            case Phase::idle:
                break;
            case Phase::writing:
                decide();
                phase_ = Phase::reporting;
                due_ = now + random_.between(Duration{0}, tempo_.report_max);
                break;
            case Phase::reading:
                do_read();
                [[fallthrough]];
            case Phase::reporting:
                phase_ = Phase::idle;
                break;
        }
    }
    std::vector<JournalAnswer> due;
    if (phase_ == Phase::reporting && due_ > now) return due;
    if (phase_ == Phase::reporting) phase_ = Phase::idle;
    if (phase_ == Phase::idle) look_for_room(now);
    due.swap(answers_);
    dropping_ = false;
    if (phase_ == Phase::idle) begin(now);
    return due;
}

// Says by itself when a disk that was full has room again.
void FakeJournal::look_for_room(Time now) {
    if (retry_at_ > now) return;
    retry_at_ = is_full() ? now + retry_after : never;
    if (retry_at_ == never) answers_.push_back(Committed{through_, space()});
}

// The commit as a whole: all of it, a prefix before what finds no room, nothing, or who knows.
void FakeJournal::decide() {
    const std::vector<Transaction> group = std::move(writing_);
    writing_.clear();
    const Submission first = group.front().number;
    if (random_.per_mille(tempo_.failed_per_mille)) {
        answers_.push_back(Failed{first, Failed::Cause::io, "simulated I/O error", space()});
        dropping_ = true;
    } else if (random_.per_mille(tempo_.in_doubt_per_mille)) {
        const bool applied = random_.percent(50);
        if (applied) doubt();
        if (applied)
            for (const auto& transaction : group) visible_.apply(transaction);
        answers_.push_back(Undecided{first, "simulated failure of fsync", space()});
        dropping_ = true;
    } else {
        std::optional<Submission> through;
        std::uint64_t room = full_ ? 0 : capacity_ - std::min(capacity_, visible_.live_bytes());
        for (const auto& transaction : group) {
            if (!fits(transaction, room)) {
                if (through) answers_.push_back(Committed{*through, space()});
                answers_.push_back(Failed{transaction.number, Failed::Cause::full,
                                          "simulated full disk", space()});
                dropping_ = true;
                break;
            }
            commit(transaction);
            through = transaction.number;
        }
        if (!dropping_) answers_.push_back(Committed{*through, space()});
        tell_watched();
    }
    if (is_full() || dropping_) retry_at_ = due_ + retry_after;
    if (dropping_)
        std::erase_if(waiting_, [](const Request& request) {
            return std::holds_alternative<Transaction>(request);
        });
}

bool FakeJournal::fits(const Transaction& transaction, std::uint64_t& room) const {
    if (only_frees(transaction)) return true;
    const std::uint64_t bytes = bytes_of(transaction);
    if (full_ || bytes > room) return false;
    room -= bytes;
    return true;
}

void FakeJournal::commit(const Transaction& transaction) {
    visible_.apply(transaction);
    if (doubtful_) durable_.apply(transaction);
    watch(transaction);
    for (const auto& change : transaction.changes)
        batches_written_ += std::holds_alternative<Put>(change);
    applied_.push_back(transaction);
    through_ = transaction.number;
}

// Half of what is visible although its commit failed has reached the disk; half is lost at the next
// crash.
void FakeJournal::doubt() {
    if (doubtful_ || random_.percent(50)) return;
    durable_ = visible_;
    doubtful_ = true;
}

void FakeJournal::do_read() {
    if (const auto* request = std::get_if<ReadBack>(&*reading_))
        read_back(*request);
    else
        answers_.push_back(visible_.find(std::get<FindDeadLetters>(*reading_)));
    reading_.reset();
}

void FakeJournal::read_back(const ReadBack& request) {
    Damaged damaged;
    Loaded loaded = visible_.read(request, damaged);
    const bool lost = !damaged.lost.empty();
    if (lost) answers_.push_back(std::move(damaged));
    if (lost) tell_watched();
    answers_.push_back(std::move(loaded));
}

void FakeJournal::watch(const Transaction& transaction) {
    for (const auto& change : transaction.changes)
        if (const auto* watch = std::get_if<Watch>(&change)) {
            watch_ = *watch;
            told_.clear();
        }
}

void FakeJournal::tell_watched() {
    std::vector<Watched::Total> totals;
    for (const Watch::Of& of : watch_.all) totals.push_back(visible_.total_of(of));
    if (totals != told_) answers_.push_back(Watched{watch_.version, told_ = std::move(totals)});
}

JournalSpace FakeJournal::space() const {
    const std::uint64_t live = visible_.live_bytes();
    std::uint64_t dead = 0;
    for (const auto& [id, letter] : visible_.dead_letters()) dead += letter.messages;
    return {.live_bytes = live,
            .file_bytes = live,
            .full = is_full(),
            .dead_letters = dead,
            .last_dead_letter = visible_.last_dead_letter()};
}

void FakeJournal::stop() {
    for (auto at = writing_.rbegin(); at != writing_.rend(); ++at)
        waiting_.emplace_front(std::move(*at));
    for (auto& request : waiting_) {
        const auto* transaction = std::get_if<Transaction>(&request);
        if (transaction == nullptr) continue;
        std::uint64_t room = full_ ? 0 : capacity_ - std::min(capacity_, visible_.live_bytes());
        if (!fits(*transaction, room)) break;
        commit(*transaction);
    }
    crash();
}

void FakeJournal::crash() {
    if (doubtful_) visible_ = std::move(durable_);
    durable_ = {};
    doubtful_ = false;
    waiting_.clear();
    writing_.clear();
    reading_.reset();
    answers_.clear();
    phase_ = Phase::idle;
    due_ = never;
    dropping_ = false;
    through_ = {};
    watch_ = {};
    told_.clear();
    retry_at_ = never;
}

void FakeJournal::restore(Disk disk) {
    crash();
    visible_ = std::move(disk);
}

bool FakeJournal::spoil(std::uint64_t nth) {
    const auto& rows = durable().rows();
    if (rows.empty()) return false;
    const BatchId id =
        std::next(rows.begin(), static_cast<std::ptrdiff_t>(nth % rows.size()))->first;
    visible_.spoil(id);
    if (doubtful_) durable_.spoil(id);
    return true;
}

std::vector<Transaction> FakeJournal::take_applied() { return std::exchange(applied_, {}); }

}  // namespace bus::sim
