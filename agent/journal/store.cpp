#include "journal/store.h"

#include <algorithm>

#include "base/assert.h"
#include "journal/open_journal.h"

namespace bus::journal {
namespace {

using core::Failed;

constexpr std::uint32_t checkpoint_frames = 1'000;                // 16 MB: 33 ms
constexpr char vacuum_step[] = "PRAGMA incremental_vacuum(256)";  // 4 MiB
// Left in the file for what comes next, rather than given back and asked for again.
constexpr std::uint64_t spare_pages_kept = 1'024;

// Bytes that a transaction adds to the disk; 0: it only takes away, or is small. Dead letters have
// a share of their own: refused, they would keep the settlements that come with them from making
// room.
std::uint64_t brings(const core::Transaction& transaction) {
    constexpr std::uint64_t row = 128;
    std::uint64_t bytes = 0;
    for (const auto& change : transaction.changes)
        if (const auto* put = std::get_if<core::Put>(&change))
            bytes += row + put->batch.size();
        else if (const auto* last = std::get_if<core::PutLastValue>(&change))
            bytes += row + last->batch.size();
    return bytes + bytes / 8;  // pages are never quite full
}

template <class... Each>
struct Overloaded : Each... {
    using Each::operator()...;
};
template <class... Each>
Overloaded(Each...) -> Overloaded<Each...>;

std::string_view to_text(Status status) {
    switch (status) {
        case Status::ok:
            return "ok";
        case Status::full:
            return "the disk is full";
        case Status::io:
            return "the disk failed";
        case Status::corrupt:
            return "the journal is damaged";
    }
    return {};
}

}  // namespace

bool Store::apply(std::span<const core::Transaction> group, Answers& answers) {
    if (!open_) {
        refuse(group.front().number, {.status = Status::io, .reason = reason_}, answers);
        return false;
    }
    while (true) {
        const std::size_t count = admitted(group);
        Attempt result{.reason = reason_};
        if (count > 0) result = attempt(group.first(count));
        if (result.status == Status::full && become_full()) continue;
        if (result.status != Status::ok) {
            refuse(group.front().number, result, answers);
            if (!open_) static_cast<void>(reopen(answers));  // or by a later retry()
            return false;
        }
        if (count > 0) {
            through_ = group[count - 1].number;
            answers.emplace_back(core::Committed{through_, space_});
            tell_watched(answers);
        }
        if (count == group.size()) return true;
        if (!std::exchange(full_, true)) reason_ = limit_reached();
        space_.full = true;
        refuse(group[count].number, {.status = Status::full, .reason = reason_}, answers);
        return false;
    }
}

// How many of the group, from its front, there is room for.
std::size_t Store::admitted(std::span<const core::Transaction> group) const {
    std::uint64_t bytes = 0;
    for (std::size_t at = 0; at < group.size(); ++at) {
        const std::uint64_t brought = brings(group[at]);
        bytes += brought;
        if (brought > 0 && (full_ || !has_room(bytes))) return at;
    }
    return group.size();
}

// For `more` bytes: they go through the log into the database.
bool Store::has_room(std::uint64_t more) const {
    const std::uint64_t frames = open_ ? open_->database.wal_frames() : 0;
    const std::uint64_t log = std::max(log_bytes_, frames * page_bytes + more);
    return used_bytes_ + log + more + chunk_bytes <= options_.max_bytes &&
           free_bytes(options_.path) >= options_.min_free;
}

std::string Store::limit_reached() const {
    const std::uint64_t free = free_bytes(options_.path);
    if (free < options_.min_free)
        return "the file system has " + std::to_string(free) + " bytes left, journal.min_free is " +
               std::to_string(options_.min_free);
    return "the journal has reached journal.max_bytes, " + std::to_string(options_.max_bytes);
}

// The disk itself is full: lets the ballast go, and empties the log so that what is reserved for it
// can be used again. false: there is nothing more to be done.
bool Store::become_full() {
    const bool news = !std::exchange(full_, true);
    space_.full = true;
    ballast_held_ = false;
    const bool released = ballast_.release();
    const bool emptied = open_ && open_->database.wal_frames() > 0 && checkpoint();
    return open_ && (news || released || emptied);
}

Store::Attempt Store::attempt(std::span<const core::Transaction> group) {
    return in_transaction([&] {
        for (const auto& transaction : group) {
            for (const auto& change : transaction.changes) {
                const Status status = carry_out(change);
                if (status != Status::ok) return status;
            }
            open_->backlog.end_submission();
        }
        return Status::ok;
    });
}

Store::Attempt Store::in_transaction(const std::function<Status()>& work) {
    Open& open = *open_;
    bool committing = false;
    try {
        Status status = open.begin.run();
        if (status == Status::ok) status = work();
        if (status == Status::ok) status = open.save();
        committing = status == Status::ok;
        if (committing) status = open.commit.run();
        if (status == Status::ok) {
            committed();
            return {};
        }
        return undo(status, committing && status != Status::full, open.database.message());
    } catch (const Error& error) {
        return undo(Status::io, committing, error.what());
    }
}

// After a full disk the database is as it was. After anything else it is closed, for what it shows
// cannot be trusted.
Store::Attempt Store::undo(Status status, bool undecided, std::string reason) {
    reason_ = std::string(to_text(status)) + ": " + reason;
    bool usable = status == Status::full;
    if (usable && open_->database.in_transaction())
        usable = open_->database.execute("ROLLBACK") == Status::ok;
    if (!usable || open_->load() != Status::ok) close_broken(status);
    return {.status = status, .undecided = undecided, .reason = reason_};
}

void Store::committed() {
    const Meta& meta = open_->meta;
    commits_ = meta.commits;
    last_batch_ = meta.last_batch;
    // A mark that cannot be written falls behind, which is harmless.
    high_water_.write({commits_, incarnation_, last_batch_});
    measure();
    if (open_->database.wal_frames() >= checkpoint_frames) checkpoint();
}

Status Store::carry_out(const core::Change& change) {
    Open& open = *open_;
    return std::visit(
        Overloaded{
            [&](const core::Put& put) { return open.backlog.put(put); },
            [&](const core::Owe& owe) { return open.backlog.owe(owe); },
            [&](const core::Settle& settle) { return open.backlog.settle(settle); },
            [&](const core::Progress& progress) { return open.backlog.progress(progress); },
            [&](const core::Bury& buried) { return bury(buried); },
            [&](const core::DropDeadLetter& drop) { return open.dead_letters.drop(drop.id); },
            [&](const core::PutLastValue& put) { return open.last_values.put(put); },
            [&](const core::DropLastValue& drop) { return open.last_values.drop(drop); },
            [&](const core::Account& account) {
                return open.registry.apply(account, incarnation_);
            },
            [&](const core::PutDestination& put) {
                auto& last = open.meta.last_destination;
                last = std::max(last, put.destination.id);
                return open.registry.put(put);
            },
            [&](const core::DropDestination& drop) {
                const Status status = open.backlog.drop(drop);
                return status == Status::ok ? open.registry.drop(drop.id) : status;
            },
            [&](const core::Watch& watch) {
                watch_ = watch;
                return open.channels.watch(watch);
            },
            [&](const auto& other) { return open.registry.apply(other); },
        },
        change);
}

// Where there is no room, the oldest dead letters make it.
Status Store::bury(const core::Bury& bury) {
    DeadLetters& dead = open_->dead_letters;
    const auto share = options_.max_bytes / 100 * limits::dead_letter_share_percent;
    const auto bytes_max = full_ ? std::min(share, dead.bytes()) : share;
    const Status status = dead.bury(bury);
    return status == Status::ok ? dead.keep_within(bytes_max) : status;
}

void Store::refuse(core::Submission number, const Attempt& failed, Answers& answers) {
    if (failed.undecided) {
        answers.emplace_back(core::Undecided{number, failed.reason, space_});
        return;
    }
    const auto cause = failed.status == Status::full ? Failed::Cause::full : Failed::Cause::io;
    answers.emplace_back(Failed{number, cause, failed.reason, space_});
}

void Store::measure() {
    log_bytes_ = file_bytes(options_.path + "-wal");
    const std::uint64_t pages = Open::count(open_->pages);
    spare_pages_ = std::min(pages, Open::count(open_->free_pages));
    used_bytes_ = (pages - spare_pages_) * page_bytes;
    open_->allocated = file_bytes(options_.path);
    space_.live_bytes = open_->backlog.live_bytes();
    space_.file_bytes = open_->allocated + log_bytes_;
    space_.dead_letters = open_->dead_letters.count();
    space_.last_dead_letter = open_->dead_letters.last();
    space_.dead_letters_dropped = open_->dead_letters.dropped();
}

Backlog::Slice Store::read(Reading& reading, Answers& answers) {
    if (!open_) return Backlog::Slice::failed;
    Status why = Status::io;
    auto slice = Backlog::Slice::failed;
    try {
        slice = open_->backlog.read(reading);
        why = open_->backlog.status();
        reason_ = std::string(to_text(why)) + ": " + open_->database.message();
    } catch (const Error& error) {
        reason_ = error.what();
    }
    if (!reading.damaged.empty()) quarantine(reading, answers);
    if (slice != Backlog::Slice::failed) return slice;
    close_broken(why);
    return why == Status::corrupt && reopen(answers) ? Backlog::Slice::unfinished : slice;
}

bool Store::find(DeadLetterSearch& search) {
    if (!open_) return false;
    Status why = Status::io;
    try {
        const bool finished = open_->dead_letters.find_some(search);
        why = open_->dead_letters.status();
        if (why == Status::ok) return finished;
        reason_ = std::string(to_text(why)) + ": " + open_->database.message();
    } catch (const Error& error) {
        reason_ = error.what();
    }
    close_broken(why);
    return false;
}

void Store::tell_watched(Answers& answers) {
    if (!open_) return;
    if (auto changed = open_->channels.take_changed()) answers.emplace_back(std::move(*changed));
}

// If the disk does not take it, the rows stay where they are and are found again.
void Store::quarantine(Reading& reading, Answers& answers) {
    core::Damaged damaged;
    damaged.reason = "rows of the journal are missing or fail their checksum";
    const Attempt result = in_transaction([&] {
        for (const core::BatchId id : reading.damaged) {
            const Status status =
                open_->backlog.quarantine(id, incarnation_, damaged.reason, damaged.lost);
            if (status != Status::ok) return status;
        }
        return Status::ok;
    });
    if (result.status != Status::ok) {
        damaged.lost.clear();
        for (const core::BatchId id : reading.damaged)
            damaged.lost.push_back({reading.request.stream, id, id, 0});
    }
    reading.damaged.clear();
    answers.emplace_back(std::move(damaged));
    tell_watched(answers);
}

bool Store::tidy(Answers& answers) {
    if (!open_) return false;
    if (open_->backlog.is_dropping()) return drop_some(answers);
    if (spare_pages_ > (full_ ? 0 : spare_pages_kept)) {
        shrunk_ = true;
        return carried_out([this] { return open_->database.execute(vacuum_step); });
    }
    if (shrunk_) checkpoint();  // only now the file gets shorter
    shrunk_ = false;
    if (open_) open_->database.release_memory();
    return false;
}

bool Store::drop_some(Answers& answers) {
    core::Damaged damaged;
    const bool done = carried_out([&] {
        damaged.lost.clear();
        return open_->backlog.drop_some([this](const core::Bury& one) { return bury(one); },
                                        damaged.lost);
    });
    tell_watched(answers);
    if (done && !is_dropping()) answers.emplace_back(core::Committed{through_, space_});
    if (damaged.lost.empty() || !done) return done;
    damaged.reason = "rows that should have become dead letters are missing or fail their checksum";
    answers.emplace_back(std::move(damaged));
    return done;
}

bool Store::is_dropping() const noexcept { return open_ && open_->backlog.is_dropping(); }

bool Store::carried_out(const std::function<Status()>& work) {
    const Status status = in_transaction(work).status;
    if (status == Status::full) return become_full();
    return status == Status::ok && open_;
}

// Commits stay safe if this fails: the WAL has them.
bool Store::checkpoint() {
    const Status status = open_->database.checkpoint();
    switch (status) {
        case Status::ok:
            high_water_.sync();
            measure();
            break;
        case Status::full:
            full_ = space_.full = true;
            break;
        case Status::io:
        case Status::corrupt:
            reason_ = std::string(to_text(status)) + ": " + open_->database.message();
            close_broken(status);
            break;
    }
    return status == Status::ok;
}

void Store::retry(Answers& answers) {
    if (!open_ && !reopen(answers)) return;
    if (full_ && !leave_full()) return;
    answers.emplace_back(core::Committed{through_, space_});
}

// With some room to spare, or the next transaction would be refused again.
bool Store::leave_full() {
    measure();
    const std::uint64_t slack = std::min(limits::transaction_bytes_max, options_.max_bytes / 16);
    const std::uint64_t ballast = ballast_held_ ? 0 : ballast_.bytes();
    const std::uint64_t room = free_bytes(options_.path) + spare_pages_ * page_bytes;
    if (!has_room(slack) || room < slack + ballast) return false;
    ballast_held_ = ballast_.load();
    if (!ballast_held_ || !has_room(slack)) return false;
    full_ = space_.full = false;
    return true;
}

}  // namespace bus::journal
