#include "bus/receipt.h"

#include "client/receipt_state.h"

namespace bus {
namespace client {
namespace {

Outcome to_public(session::Outcome outcome) {
    switch (outcome) {
        case session::Outcome::reached:
            return Outcome::reached;
        case session::Outcome::refused:
            return Outcome::refused;
        case session::Outcome::expired:
            return Outcome::expired;
        case session::Outcome::dead_lettered:
            return Outcome::dead_lettered;
        case session::Outcome::lapsed:
            return Outcome::lapsed;
        case session::Outcome::unknown:
            return Outcome::unknown;
    }
    return Outcome::unknown;
}

}  // namespace

bool ReceiptState::settle(const session::Settled& part) {
    std::function<void(Outcome)> ready;
    {
        std::lock_guard lock{mutex};
        if (part.outcome != session::Outcome::reached) worst = to_public(part.outcome);
        if (part.destinations) destinations = *part.destinations;
        if (!part.reason.empty()) reason = part.reason;
        if (--parts_left > 0) return false;
        if (needs_destination && worst == Outcome::reached) miss_destination();
        outcome = worst;
        ready = std::exchange(callback, nullptr);
        decided.notify_all();
    }
    if (ready)
        callbacks->run([ready = std::move(ready), decided_as = worst] { ready(decided_as); });
    return true;
}

void ReceiptState::miss_destination() {
    if (destinations && *destinations > 0) return;
    worst = destinations ? Outcome::no_destination : Outcome::unknown;
    reason = destinations ? "nobody wants it"
                          : "the agent was restarted and cannot tell whether anybody wanted it";
}

}  // namespace client

Receipt::Receipt(std::shared_ptr<client::ReceiptState> state) noexcept : state_(std::move(state)) {}

Outcome Receipt::wait(std::chrono::milliseconds timeout) const {
    if (!state_) return Outcome::unknown;
    std::unique_lock lock{state_->mutex};
    state_->decided.wait_for(lock, timeout, [&] { return state_->outcome != Outcome::pending; });
    return state_->outcome;
}

Outcome Receipt::now() const noexcept {
    if (!state_) return Outcome::unknown;
    std::lock_guard lock{state_->mutex};
    return state_->outcome;
}

std::optional<unsigned> Receipt::destinations() const noexcept {
    if (!state_) return std::nullopt;
    std::lock_guard lock{state_->mutex};
    return state_->outcome == Outcome::pending ? std::nullopt : state_->destinations;
}

std::string Receipt::reason() const {
    if (!state_) return {};
    std::lock_guard lock{state_->mutex};
    return state_->reason;
}

void Receipt::when_ready(std::function<void(Outcome)> callback) const {
    if (!state_) return callback(Outcome::unknown);
    Outcome outcome = Outcome::pending;
    {
        std::lock_guard lock{state_->mutex};
        outcome = state_->outcome;
        if (outcome == Outcome::pending) state_->callback = std::move(callback);
    }
    if (outcome == Outcome::pending) return;
    state_->callbacks->run([callback = std::move(callback), outcome] { callback(outcome); });
}

const char* to_text(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::pending:
            return "pending";
        case Outcome::reached:
            return "reached";
        case Outcome::no_destination:
            return "no destination";
        case Outcome::refused:
            return "refused";
        case Outcome::expired:
            return "expired";
        case Outcome::dead_lettered:
            return "dead-lettered";
        case Outcome::lapsed:
            return "lapsed";
        case Outcome::unknown:
            return "unknown";
    }
    return "?";
}

}  // namespace bus
