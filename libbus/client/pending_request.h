// One request under way: between who asked and whoever has the socket. It is
// done once: enough replies, an error, or the deadline.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "base/clock.h"
#include "bus/request.h"
#include "client/awaited.h"
#include "client/callbacks.h"

namespace bus::client {

class Core;

class PendingRequest : public Awaited {
  public:
    using Clock = WaitClock;
    using Why = RequestError::Why;

    struct Terms {
        bool to_all = false;     // failed replies are collected with the others
        std::size_t wanted = 1;  // replies
        std::chrono::milliseconds timeout{};
    };
    PendingRequest(const Terms& terms, const std::shared_ptr<Core>& core,
                   std::shared_ptr<Callbacks> runs_on)
        : terms_(terms),
          core_(core),
          callbacks_(std::move(runs_on)),
          until_(Clock::now() + terms.timeout) {}

    // ---- Whoever has the socket, and the registry ------------------------------------------
    // Under that it is known to the core; set once, before anything else.
    std::uint64_t id = 0;
    // `frame` keeps the bytes of `message`.
    void add(std::shared_ptr<const zmq::message_t> frame, const Message& message);
    // Nothing more will come.
    void end(Why why, const std::string& words);

    // ---- Who asked; any thread -----------------------------------------------------------------
    bool has_news() const override;
    // Wait until it is done, or its deadline. Throw RequestError: there is no reply.
    Reply get();
    // Also when there is none, in time.
    std::vector<Reply> get_all();
    void cancel() noexcept;
    // Nobody waits, and its deadline is there.
    void expire() { end(Why::timed_out, in_time_words()); }
    void when_done(std::function<void()> callback);
    Clock::time_point until() const noexcept { return until_; }

  private:
    bool is_known(const Message& message) const;
    void finish(std::unique_lock<std::mutex>& lock);
    void await();
    void wait(Core& core);
    std::string in_time_words() const;

    const Terms terms_;
    const std::weak_ptr<Core> core_;
    const std::shared_ptr<Callbacks> callbacks_;
    const Clock::time_point until_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Reply> replies_;
    bool done_ = false;
    Why why_ = Why::timed_out;  // it ended without what was wanted
    std::string words_;
    std::function<void()> callback_;
};

}  // namespace bus::client
