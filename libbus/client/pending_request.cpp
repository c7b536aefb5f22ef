#include "client/pending_request.h"

#include <algorithm>

#include "client/compose.h"
#include "client/core.h"
#include "wire/standard_headers.h"

namespace bus::client {
namespace {

using Why = RequestError::Why;

struct BusError {
    std::string_view code;
    Why why;
    const char* words;
};
constexpr BusError bus_errors[] = {
    {wire::request_error::no_responders, Why::no_responders, "nobody serves it"},
    {wire::request_error::busy, Why::busy, "too many requests wait for a responder already"},
    {wire::request_error::responder_lost, Why::responder_lost,
     "its responder went away: it may have been carried out"}};

}  // namespace

// ---- Whoever has the socket -------------------------------------------------------------------

void PendingRequest::add(std::shared_ptr<const zmq::message_t> frame, const Message& message) {
    if (const auto code = message.header(wire::header_key::bus_error)) {
        const auto known = std::find_if(std::begin(bus_errors), std::end(bus_errors),
                                        [&](const BusError& one) { return one.code == *code; });
        // With many responders the others go on.
        if (terms_.to_all && *code != wire::request_error::no_responders) return;
        return known == std::end(bus_errors) ? end(Why::failed, std::string{*code})
                                             : end(known->why, known->words);
    }
    std::unique_lock lock{mutex_};
    if (done_ || is_known(message)) return;
    replies_.push_back(Reply{std::move(frame), message});
    if (replies_.size() >= terms_.wanted) finish(lock);
}

// It may come twice where a link was lost on its way.
bool PendingRequest::is_known(const Message& message) const {
    return std::any_of(replies_.begin(), replies_.end(), [&](const Reply& reply) {
        return reply.message().producer() == message.producer() &&
               reply.message().sequence() == message.sequence();
    });
}

void PendingRequest::end(Why why, const std::string& words) {
    std::unique_lock lock{mutex_};
    if (done_) return;
    why_ = why;
    words_ = words;
    finish(lock);
}

void PendingRequest::finish(std::unique_lock<std::mutex>& lock) {
    done_ = true;
    auto callback = std::exchange(callback_, nullptr);
    changed_.notify_all();
    lock.unlock();
    if (callback) callbacks_->run(std::move(callback));
}

// ---- Who asked --------------------------------------------------------------------------------

bool PendingRequest::has_news() const {
    std::lock_guard lock{mutex_};
    return done_;
}

void PendingRequest::wait(Core& core) {
    if (core.is_forked()) return;
    std::unique_lock lock{mutex_};
    while (!done_ && Clock::now() < until_) {
        lock.unlock();
        const bool received = core.stand_in(*this, until_);
        lock.lock();
        if (!received && !done_) changed_.wait_until(lock, until_);
    }
}

void PendingRequest::await() {
    const auto core = core_.lock();
    if (core) wait(*core);
    if (has_news()) return;
    if (core) core->forget_request(id);
    expire();
}

void PendingRequest::cancel() noexcept {
    if (const auto core = core_.lock()) core->forget_request(id);
    end(Why::cancelled, "cancelled");
}

Reply PendingRequest::get() {
    await();
    std::lock_guard lock{mutex_};
    if (replies_.empty()) throw RequestError{why_, words_};
    const Reply& reply = replies_.front();
    if (const auto error = reply.error()) throw RequestError{Why::failed, std::string{*error}};
    return reply;
}

std::vector<Reply> PendingRequest::get_all() {
    await();
    std::lock_guard lock{mutex_};
    if (replies_.empty() && why_ != Why::timed_out) throw RequestError{why_, words_};
    return replies_;
}

std::string PendingRequest::in_time_words() const {
    return "no answer within " + in_seconds(terms_.timeout);
}

void PendingRequest::when_done(std::function<void()> callback) {
    {
        std::lock_guard lock{mutex_};
        if (!done_) {
            callback_ = std::move(callback);
            return;
        }
    }
    callbacks_->run(std::move(callback));
}

}  // namespace bus::client
