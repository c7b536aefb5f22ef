#include "journal/writer.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "base/clock.h"

namespace bus::journal {
namespace {

// Of one commit: more would only make those who wait for the first of them wait longer.
constexpr std::uint64_t group_bytes = 2 * limits::transaction_bytes_max;
constexpr std::size_t group_changes = limits::transaction_changes_max;

UniqueFd make_event() {
    UniqueFd fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!fd) throw Error(std::string{"eventfd: "} + std::strerror(errno));
    return fd;
}

std::uint64_t cost(const core::Transaction& transaction) {
    std::uint64_t bytes = 0;
    for (const auto& change : transaction.changes)
        if (const auto* put = std::get_if<core::Put>(&change)) bytes += put->batch.size();
    return bytes;
}

// At least one transaction, and then as many as one commit should hold.
std::span<const core::Transaction> group_of(std::span<const core::Transaction> waiting) {
    std::uint64_t bytes = 0;
    std::size_t changes = 0, count = 0;
    for (const auto& transaction : waiting) {
        bytes += cost(transaction);
        changes += transaction.changes.size();
        if (count > 0 && (bytes > group_bytes || changes > group_changes)) break;
        ++count;
    }
    return waiting.first(count);
}

}  // namespace

Writer::Writer(std::unique_ptr<Store> store)
    : store_(std::move(store)),
      retry_at_(store_->needs_retry() ? boot_now() + limits::journal_retry : never),
      ready_(make_event()),
      thread_([this] { run(); }) {}

Writer::~Writer() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Writer::submit(core::Transaction transaction) {
    const Time now = boot_now();
    {
        const std::lock_guard lock{mutex_};
        if (unseen_failure_) return;
        const Time latest = transaction.urgent ? now : now + limits::journal_idle_flush;
        const bool sooner = latest < flush_at_;
        flush_at_ = std::min(flush_at_, latest);
        submitted_.push_back(std::move(transaction));
        if (!sooner) return;  // the thread knows already
    }
    wake_.notify_one();
}

void Writer::read(const core::ReadBack& request) {
    {
        const std::lock_guard lock{mutex_};
        reads_.push_back(request);
    }
    wake_.notify_one();
}

void Writer::find(core::FindDeadLetters request) {
    {
        const std::lock_guard lock{mutex_};
        searches_.push_back(std::move(request));
    }
    wake_.notify_one();
}

void Writer::take_answers(Answers& answers) {
    const std::lock_guard lock{mutex_};
    std::uint64_t count = 0;
    // Nothing to read means that nothing was announced.
    static_cast<void>(::read(ready_.get(), &count, sizeof count) == sizeof count);
    std::ranges::move(answers_, std::back_inserter(answers));
    answers_.clear();
    unseen_failure_ = false;
}

void Writer::run() {
    while (wait_for_work()) {
        commit_group();
        read_slice();
        find_slice();
        retry_if_due();
        tidy_if_due();
        hand_over();
    }
    store_.reset();
}

bool Writer::wait_for_work() {
    std::unique_lock lock{mutex_};
    while (true) {
        const Time now = boot_now();
        const bool usable = store_->is_open() || stopping_;
        if (usable && !has_taken() && (flush_at_ <= now || stopping_)) {
            taken_.clear();
            taken_at_ = 0;
            std::swap(taken_, submitted_);
            flush_at_ = never;
        }
        if (stopping_ && !has_taken()) return false;
        const bool to_read =
            store_->is_open() && (reading_ || search_ || !reads_.empty() || !searches_.empty());
        if (has_taken() || to_read || retry_at_ <= now || tidy_at_ <= now) return true;
        const Time next = std::min({usable ? flush_at_ : never, retry_at_, tidy_at_});
        if (next == never)
            wake_.wait(lock);
        else
            wake_.wait_for(lock, next - now);
    }
}

void Writer::commit_group() {
    if (!has_taken()) return;
    const auto group = group_of(std::span{taken_}.subspan(taken_at_));
    failed_ = !store_->apply(group, fresh_);
    const auto end = failed_ ? taken_.size() : taken_at_ + group.size();
    for (; taken_at_ < end; ++taken_at_) taken_[taken_at_].changes = {};  // lets the memory go
    const Time later = boot_now() + limits::journal_idle_flush;
    tidy_at_ = store_->is_dropping() ? std::min(tidy_at_, later) : later;
}

void Writer::read_slice() {
    if (!reading_) {
        const std::lock_guard lock{mutex_};
        if (reads_.empty() || !store_->is_open()) return;
        reading_.emplace(reads_.front());
        reads_.pop_front();
    }
    if (store_->read(*reading_, fresh_) != Backlog::Slice::finished) return;
    fresh_.emplace_back(std::move(reading_->loaded));
    reading_.reset();
    tidy_at_ = std::min(tidy_at_, boot_now() + limits::journal_idle_flush);
}

// Of what people ask, one slice for each of what the agent needs.
void Writer::find_slice() {
    if (!search_) {
        const std::lock_guard lock{mutex_};
        if (searches_.empty() || !store_->is_open()) return;
        search_.emplace(std::move(searches_.front()));
        searches_.pop_front();
    }
    if (!store_->find(*search_)) return;
    fresh_.emplace_back(std::move(search_->found));
    search_.reset();
    tidy_at_ = std::min(tidy_at_, boot_now() + limits::journal_idle_flush);
}

void Writer::retry_if_due() {
    if (retry_at_ <= boot_now()) {
        store_->retry(fresh_);
        retry_at_ = never;
    }
    if (!store_->needs_retry())
        retry_at_ = never;
    else if (retry_at_ == never)
        retry_at_ = boot_now() + limits::journal_retry;
}

void Writer::tidy_if_due() {
    if (tidy_at_ > boot_now()) return;
    tidy_at_ = store_->tidy(fresh_) ? boot_now() : never;
}

void Writer::hand_over() {
    if (fresh_.empty()) return;
    const std::lock_guard lock{mutex_};
    if (std::exchange(failed_, false)) {
        unseen_failure_ = true;
        submitted_.clear();
        flush_at_ = never;
    }
    const bool first = answers_.empty();
    std::ranges::move(fresh_, std::back_inserter(answers_));
    fresh_.clear();
    if (!first) return;
    const std::uint64_t one = 1;
    BUS_ASSERT(::write(ready_.get(), &one, sizeof one) == sizeof one);
}

}  // namespace bus::journal
