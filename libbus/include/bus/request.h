// Asking and answering: a request goes to one responder, wherever one is, this
// host's first; its answer comes back. Both live in memory and no longer than
// whoever asked waits: what must not be lost is a message to a queue, with a
// queue as its reply_to.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bus/error.h"
#include "bus/export.h"
#include "bus/message.h"

namespace bus {

namespace client {
class PendingRequest;
class Responders;
}  // namespace client

struct RequestOptions {
    // The deadline: 1 ms to 24 h. It travels along, and a responder that would be too late is not
    // asked.
    std::chrono::milliseconds timeout{5000};
    Priority priority = Priority::normal;
    std::string_view key{}, content_type{};
    std::span<const Header> headers{};
};

// What a responder says with an answer.
struct ReplyOptions {
    std::string_view content_type{};
    std::span<const Header> headers{};
    // To a queue: how long to wait until the reply is safe, then Error.
    std::chrono::milliseconds timeout{5000};
};

// Why there is no answer.
class BUS_EXPORT RequestError : public Error {
  public:
    enum class Why {
        no_responders,   // nobody serves this anywhere, or nobody any more: it was not carried out
        busy,            // too many wait for a responder already: it was not carried out
        responder_lost,  // the responder, or the agent, went away: it may have been carried out
        failed,          // the responder says so, what() in its words
        timed_out,       // it may have been carried out, or be carried out now
        cancelled,       // by cancel(); it may have been carried out
        closed,          // the connection was closed meanwhile
    };
    RequestError(Why why, const std::string& words) : Error(words), why_(why) {}
    ~RequestError() override;
    Why why() const noexcept { return why_; }

  private:
    Why why_;
};

BUS_EXPORT const char* to_text(RequestError::Why why) noexcept;

// An answer; it owns its bytes. Copies share them.
class BUS_EXPORT Reply {
  public:
    const Message& message() const noexcept { return message_; }
    std::string_view payload() const noexcept { return message_.payload(); }
    // The responder has failed, and says this; nullopt: it has not. Only request_many() yields
    // such.
    std::optional<std::string_view> error() const noexcept;

  private:
    friend class client::PendingRequest;
    Reply(std::shared_ptr<const void> held, const Message& message) noexcept
        : held_(std::move(held)), message_(message) {}

    std::shared_ptr<const void> held_;
    Message message_;
};

// A request under way. Copies share it; dropping all of them cancels nothing. Any thread.
class BUS_EXPORT PendingReply {
  public:
    // Waits for the answer, until the deadline at most. Throws RequestError: there is none.
    Reply get() const;
    // get() would not wait.
    bool is_done() const noexcept;
    // Nobody waits any more. A responder that has it goes on.
    void cancel() const noexcept;
    // Calls once, on ConnectOptions::executor, as soon as get() does not wait.
    void when_done(std::function<void(const PendingReply&)> callback) const;

  private:
    friend class Connection;
    explicit PendingReply(std::shared_ptr<client::PendingRequest> state) noexcept;
    std::shared_ptr<client::PendingRequest> state_;
};

struct ServeOptions {
    // So many handlers run at a time, each on a thread of its own: 1 to 1,024.
    unsigned threads = 1;
    // Requests that may wait in this process; more of them make others wait who might be free. 0:
    // 16 for each thread.
    std::uint32_t prefetch_messages = 0;
    // As of SubscribeOptions.
    std::chrono::milliseconds timeout{5000};
};

// Answers requests until it is closed or dropped.
class BUS_EXPORT Service {
  public:
    Service(Service&&) noexcept;
    Service& operator=(Service&&) noexcept;
    ~Service();  // closes

    // Takes no more requests, and returns when no handler runs. Not from a handler.
    void close() noexcept;
    bool is_open() const noexcept;
    // Why it ended, for people; empty after close().
    std::string why() const;

  private:
    friend class Connection;
    explicit Service(std::unique_ptr<client::Responders> responders) noexcept;
    std::unique_ptr<client::Responders> responders_;
};

}  // namespace bus
