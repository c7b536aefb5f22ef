// The answer to "how far did it get": a handle on the receipt of one sent message.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bus/export.h"

namespace bus {

// How far a message must get before its receipt is given.
enum class Stage {
    safe,     // committed to disk by the sender's agent, or already taken over by every destination
    arrived,  // taken over by the agent of every destination
    // Acknowledged by a consumer of every subscription, queue and group that it was for, on
    // whatever hosts. One that nobody reads keeps it waiting, and an agent that restarts meanwhile
    // makes it `unknown`: for work that is done soon, or else send a message back.
    consumed,
};

enum class Outcome {
    pending,  // not decided yet
    reached,  // the stage is reached; destinations() == 0 says that there was nobody to get it
    no_destination,  // the same, where PublishOptions::require_destination asked for somebody
    refused,         // the agent will not take it: reason() says why
    expired,         // its time to live ended before it left this process
    dead_lettered,
    lapsed,
    unknown,  // it may have arrived; nobody can tell any more
};

BUS_EXPORT const char* to_text(Outcome outcome) noexcept;

namespace client {
struct ReceiptState;
}

// Copies share one state; dropping all of them cancels nothing. Any thread. Outlives its
// Connection: what is undecided when that closes becomes `unknown`.
class BUS_EXPORT Receipt {
  public:
    Receipt() = default;  // refers to nothing: always `unknown`
    explicit Receipt(std::shared_ptr<client::ReceiptState> state) noexcept;

    // Waits until decided, at most `timeout` (then: pending).
    [[nodiscard]] Outcome wait(std::chrono::milliseconds timeout) const;
    Outcome now() const noexcept;
    // How many subscriptions, queues and peers the message was owed to when the agent took it.
    // nullopt: not decided yet, or the agent was restarted meanwhile and cannot tell.
    std::optional<unsigned> destinations() const noexcept;
    // For people; empty where there is nothing to add.
    std::string reason() const;
    // Calls once with the outcome, as soon as there is one, on ConnectOptions::executor.
    void when_ready(std::function<void(Outcome)> callback) const;

  private:
    std::shared_ptr<client::ReceiptState> state_;
};

}  // namespace bus
