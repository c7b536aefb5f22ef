// What a Receipt refers to: decided once, when every part of its message is.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bus/receipt.h"
#include "client/callbacks.h"
#include "session/outgoing.h"

namespace bus::client {

struct ReceiptState {
    ReceiptState(std::shared_ptr<Callbacks> runs_on, bool requires_destination)
        : callbacks(std::move(runs_on)), needs_destination(requires_destination) {}

    // One part is decided: the worst of all counts. True: that was the last.
    bool settle(const session::Settled& part);

    const std::shared_ptr<Callbacks> callbacks;
    const bool needs_destination;
    mutable std::mutex mutex;
    std::condition_variable decided;
    // Under the mutex.
    std::uint32_t parts_left = 1;
    Outcome outcome = Outcome::pending;
    Outcome worst = Outcome::reached;
    std::optional<unsigned> destinations;
    std::string reason;
    std::function<void(Outcome)> callback;

  private:
    void miss_destination();
};

}  // namespace bus::client
