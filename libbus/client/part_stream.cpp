#include "client/part_stream.h"

#include <algorithm>
#include <cstring>

namespace bus::client {

wire::Ack PartStream::of(std::uint64_t tag, wire::Ack verdict) {
    verdict.tag = tag;
    verdict.first = 0;
    verdict.count = 1;
    verdict.through = false;
    return verdict;
}

// ---- The thread that owns the socket --------------------------------------------------------

PartStream::Acks PartStream::push(Part part) {
    std::lock_guard lock{mutex_};
    if (decision_ == Decision::turned_away) return {};  // the agent has taken it back
    const bool comes_again = !part.is_abort && part.place.index < next_;
    if (decision_ == Decision::taken || state_ == State::ended || comes_again) {
        next_ = std::max(next_, part.place.index + 1);
        if (whole_ && next_ == whole_->total) state_ = State::complete;
        if (part.is_abort) state_ = State::ended;
        return {of(part.tag)};
    }
    if (part.is_abort) {
        Acks done{of(part.tag)};
        if (current_) done.push_back(of(current_->tag));
        for (const Part& one : waiting_) done.push_back(of(one.tag));
        stop(StreamError::Why::given_up, "its sender has given it up in the middle");
        return done;
    }
    if (!whole_) whole_ = part.place;
    const bool fits = part.place.index == next_ && part.place.total == whole_->total &&
                      part.place.total_bytes == whole_->total_bytes;
    if (!fits) {
        stop(StreamError::Why::damaged, "a part is missing");
        decision_ = Decision::turned_away;
        return {of(part.tag, {.verdict = wire::Verdict::reject, .reason = "a part is missing"})};
    }
    if (++next_ == whole_->total) state_ = State::complete;
    waiting_.push_back(std::move(part));
    news_.notify_all();
    return {};
}

void PartStream::end(StreamError::Why why, const std::string& words) {
    std::lock_guard lock{mutex_};
    stop(why, words);
}

// Under the lock. What was here and not read is of no use any more.
void PartStream::stop(StreamError::Why why, const std::string& words) {
    state_ = State::ended;
    why_ = why;
    words_ = words;
    waiting_.clear();
    left_ = {};
    news_.notify_all();
}

// ---- The thread that reads ------------------------------------------------------------------

bool PartStream::has_news() const {
    std::lock_guard lock{mutex_};
    return !left_.empty() || !waiting_.empty() || state_ != State::flowing;
}

void PartStream::wait(WaitClock::time_point until) {
    std::unique_lock lock{mutex_};
    const auto is_here = [&] { return !waiting_.empty() || state_ != State::flowing; };
    if (until == WaitClock::time_point::max())
        news_.wait(lock, is_here);
    else
        news_.wait_until(lock, until, is_here);
}

std::optional<std::size_t> PartStream::read(std::span<std::byte> into, Acks& acks) {
    std::lock_guard lock{mutex_};
    if (state_ == State::ended) throw StreamError{why_, words_};
    std::size_t got = 0;
    while (got < into.size()) {
        if (left_.empty() && !begin_next(acks)) break;
        const auto bytes = std::min(left_.size(), into.size() - got);
        std::memcpy(into.data() + got, left_.data(), bytes);
        left_ = left_.subspan(bytes);
        bytes_read_ += bytes;
        got += bytes;
    }
    if (state_ == State::ended) throw StreamError{why_, words_};
    const bool is_end = state_ == State::complete && waiting_.empty() && left_.empty();
    if (got == 0 && !into.empty() && !is_end) return std::nullopt;
    return got;
}

// Done with the one before, which frees its room at the agent.
bool PartStream::begin_next(Acks& acks) {
    if (waiting_.empty()) return false;
    if (current_) acks.push_back(of(current_->tag));
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    const bool is_last = current_->place.index + 1 == current_->place.total;
    const bool damaged = is_damaged(*current_, left_);
    const std::uint64_t so_far = bytes_read_ + left_.size();
    if (!damaged && (is_last ? so_far == whole_->total_bytes : so_far <= whole_->total_bytes))
        return true;
    spoil(current_->tag, acks);
    return false;
}

bool PartStream::is_damaged(const Part& part, Bytes& payload) const {
    const auto decoded = wire::decode_envelope({part.frame.data<std::byte>(), part.frame.size()});
    const auto header = wire::decode_batch(decoded->batch, wire::Body::cut);
    if (!header) return true;
    wire::MessageWalk walk{decoded->batch.subspan(header->header_length), header->sequence,
                           wire::MessageWalk::Check::checksum};
    const auto view = walk.next();
    if (!view || !view->intact) return true;
    payload = view->payload;
    return false;
}

void PartStream::spoil(std::uint64_t tag, Acks& acks) {
    constexpr const char* why = "damaged on the way: its checksum does not hold";
    acks.push_back(of(tag, {.verdict = wire::Verdict::reject, .reason = why}));
    decision_ = Decision::turned_away;
    stop(StreamError::Why::damaged, why);
}

// ---- Any thread -------------------------------------------------------------------------------

std::uint64_t PartStream::size() const {
    std::lock_guard lock{mutex_};
    return whole_ ? whole_->total_bytes : 0;
}

std::uint64_t PartStream::tag() const {
    std::lock_guard lock{mutex_};
    if (current_) return current_->tag;
    return waiting_.empty() ? 0 : waiting_.front().tag;
}

PartStream::Acks PartStream::decide(const wire::Ack& verdict) {
    std::lock_guard lock{mutex_};
    if (decision_ != Decision::open || state_ == State::ended) return {};
    Acks acks;
    if (verdict.verdict == wire::Verdict::ack) {
        decision_ = Decision::taken;
        if (current_) acks.push_back(of(current_->tag, verdict));
        for (const Part& part : waiting_) acks.push_back(of(part.tag, verdict));
    } else {
        decision_ = Decision::turned_away;
        acks.push_back(of(current_ ? current_->tag : waiting_.front().tag, verdict));
    }
    left_ = {};
    waiting_.clear();
    return acks;
}

bool PartStream::is_over() const {
    std::lock_guard lock{mutex_};
    return state_ == State::ended || (decision_ == Decision::taken && state_ == State::complete);
}

}  // namespace bus::client
