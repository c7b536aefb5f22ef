// The part of the Store that opens: the first time, after a failure, and when
// what is there is damaged.
#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "base/assert.h"
#include "base/clock.h"
#include "journal/open_journal.h"
#include "journal/salvage.h"

namespace bus::journal {
namespace {

using core::Damaged;

void require(Status status, const Database& database) {
    if (status != Status::ok) throw DatabaseFailed(status, database.message());
}

// A new file's name must survive a power cut as well.
void sync_directory_of(const std::string& path) {
    auto directory = std::filesystem::path{path}.parent_path();
    if (directory.empty()) directory = ".";
    const UniqueFd fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd || ::fsync(fd.get()) != 0) throw Error(directory.string() + ": cannot be synced");
}

}  // namespace

Store::Store(StoreOptions options)
    : options_(std::move(options)),
      lock_(options_.path + "-lock"),
      high_water_(options_.path + "-mark"),
      ballast_(options_.path + "-ballast", options_.ballast_bytes) {
    try {
        open_ = open_or_set_aside();
        check_high_water(recovered_.damage);
        begin_incarnation();
    } catch (const DatabaseFailed& failed) {
        throw Error(options_.path + ": the journal cannot be opened: " + failed.what());
    }
    sync_directory_of(options_.path);
    ballast_held_ = ballast_.load();
    const bool log_reserved = reserve(options_.path + "-wal", options_.wal_bytes);
    if (open_) measure();
    full_ = !ballast_held_ || !log_reserved || !has_room(0);
    space_.full = full_;
    recovered_.space = space_;
}

Store::~Store() {
    if (!open_) return;
    close_orderly(open_->database);
    high_water_.sync();
}

// A file that is no database any more must not keep the agent from serving: it is kept under
// another name and a new one begun.
std::unique_ptr<Store::Open> Store::open_or_set_aside() {
    try {
        auto open =
            std::make_unique<Open>(open_database(options_.path, options_.vfs, options_.wal_bytes));
        load_everything(*open);
        return open;
    } catch (const DatabaseFailed& failed) {
        if (failed.status != Status::corrupt) throw;
        recovered_ = {};
        Damaged damaged;
        auto open = begin_anew(failed.what(), damaged);
        load_everything(*open);
        recovered_.damage.push_back(std::move(damaged));
        return open;
    }
}

std::unique_ptr<Store::Open> Store::begin_anew(const std::string& why, Damaged& damaged) {
    const std::string aside = set_aside(options_.path, options_.wall_micros);
    Database fresh = open_database(options_.path, options_.vfs, options_.wal_bytes);
    damaged.lost = salvage(aside, fresh);
    damaged.reason = "the journal is damaged (" + why + "); what could be read of it goes on in a" +
                     " new one, and the old one is kept as " + aside;
    return std::make_unique<Open>(std::move(fresh));
}

void Store::load_everything(Open& open) {
    require(open.load(), open.database);
    const Meta& meta = open.meta;
    if (!meta.agent.is_zero() && meta.agent != options_.agent)
        throw Error(options_.path + " is the journal of agent " + to_text(meta.agent) +
                    ", but the identity file is that of " + to_text(options_.agent) +
                    "; give each agent a journal of its own");
    recovered_.agent = meta.agent;
    recovered_.incarnation = meta.incarnation;
    recovered_.last_batch = meta.last_batch;
    recovered_.last_destination = meta.last_destination;
    require(open.registry.load(recovered_), open.database);
    require(open.backlog.describe(recovered_.streams), open.database);
    require(open.last_values.load(recovered_), open.database);
}

// A torn tail was never reported and is behind no mark. A mark ahead of the database is a loss.
void Store::check_high_water(std::vector<Damaged>& damage) {
    Meta& meta = open_->meta;
    const HighWater::Mark& mark = high_water_.found();
    if (mark.commits > meta.commits) {
        Damaged lost;
        lost.lost.push_back({{}, meta.last_batch.next(), mark.last_batch, 0});
        lost.reason = std::to_string(mark.commits - meta.commits) +
                      " commits that were reported are not in the journal any more";
        damage.push_back(std::move(lost));
    }
    // Nothing is numbered twice, whatever was lost.
    meta.commits = std::max(meta.commits, mark.commits);
    meta.incarnation = std::max(meta.incarnation, mark.incarnation);
    meta.last_batch = std::max(meta.last_batch, mark.last_batch);
    recovered_.incarnation = meta.incarnation;
    recovered_.last_batch = meta.last_batch;
}

void Store::begin_incarnation() {
    Meta& meta = open_->meta;
    meta.agent = options_.agent;
    meta.incarnation = std::max(meta.incarnation + 1, options_.wall_micros / 1000);
    incarnation_ = recovered_.incarnation_now = meta.incarnation;
    recovered_.nonce = random_u64();
    const auto commit = [this] { return in_transaction([] { return Status::ok; }); };
    Attempt attempt = commit();
    if (attempt.status == Status::full && ballast_.release()) {
        open_->meta.agent = options_.agent;
        open_->meta.incarnation = incarnation_;
        attempt = commit();
    }
    if (attempt.status != Status::ok)
        throw Error(options_.path + ": the start cannot be committed: " + attempt.reason);
}

void Store::close_broken(Status why) noexcept {
    damaged_ |= why == Status::corrupt;
    if (open_) open_->database.skip_checkpoint_on_close();
    open_.reset();
}

// What is visible after a failed sync may be in the page cache only, and repeating a Put that is
// "there" would not write it again. So everything in the WAL is copied and synced before anything
// is believed.
bool Store::reopen(Answers& answers) {
    Damaged damaged;
    try {
        auto open = damaged_ ? begin_anew(reason_, damaged)
                             : std::make_unique<Open>(
                                   open_database(options_.path, options_.vfs, options_.wal_bytes));
        damaged_ = false;
        require(open->load(), open->database);
        require(open->channels.watch(watch_), open->database);
        require(open->database.checkpoint(true), open->database);
        reserve(options_.path + "-wal", options_.wal_bytes);
        open_ = std::move(open);
    } catch (const DatabaseFailed& failed) {
        damaged_ |= failed.status == Status::corrupt;
        reason_ = failed.what();
    } catch (const Error& error) {
        reason_ = error.what();
    }
    if (!damaged.reason.empty()) answers.emplace_back(std::move(damaged));
    if (!open_) return false;
    Meta& meta = open_->meta;
    if (meta.commits < commits_) {
        Damaged lost;
        lost.lost.push_back({{}, meta.last_batch.next(), last_batch_, 0});
        lost.reason = "after a failure of the disk, " + std::to_string(commits_ - meta.commits) +
                      " commits that were reported are gone";
        answers.emplace_back(std::move(lost));
    }
    meta.agent = options_.agent;
    meta.incarnation = incarnation_;
    meta.commits = std::max(meta.commits, commits_);
    meta.last_batch = std::max(meta.last_batch, last_batch_);
    measure();
    tell_watched(answers);
    return true;
}

}  // namespace bus::journal
