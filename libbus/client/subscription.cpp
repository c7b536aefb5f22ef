#include "bus/subscription.h"

#include <algorithm>
#include <limits>

#include "client/core.h"
#include "client/inbox.h"

namespace bus {

Delivery::Delivery() noexcept = default;
Delivery::Delivery(Delivery&&) noexcept = default;

Delivery& Delivery::operator=(Delivery&& other) noexcept {
    if (this == &other) return *this;
    nack();
    message_ = other.message_;
    missed_ = other.missed_;
    tag_ = other.tag_;
    index_ = other.index_;
    attempt_ = other.attempt_;
    redelivered_ = other.redelivered_;
    completes_ = other.completes_;
    decided_ = other.decided_;
    held_ = std::move(other.held_);
    return *this;
}

Delivery::~Delivery() { nack(); }

Ack Delivery::decide(int verdict, std::uint32_t delay_millis, std::string_view reason,
                     bool through) {
    if (!held_) return Ack::stale;
    if (std::exchange(decided_, true)) return Ack::decided;
    return held_->inbox->decide(*this, {.verdict = static_cast<wire::Verdict>(verdict),
                                        .through = through,
                                        .delay_millis = delay_millis,
                                        .reason = std::string{reason}});
}

Ack Delivery::ack() { return decide(static_cast<int>(wire::Verdict::ack), 0, {}); }

Ack Delivery::ack_through() { return decide(static_cast<int>(wire::Verdict::ack), 0, {}, true); }

Ack Delivery::extend() {
    if (!held_) return Ack::stale;
    return decided_ ? Ack::decided : held_->inbox->extend(*this);
}

Ack Delivery::nack(std::chrono::milliseconds delay) {
    using Millis = std::uint32_t;
    const auto bounded =
        std::clamp<std::int64_t>(delay.count(), 0, std::numeric_limits<Millis>::max());
    return decide(static_cast<int>(wire::Verdict::nack), static_cast<Millis>(bounded), {});
}

Ack Delivery::reject(std::string_view reason) {
    return decide(static_cast<int>(wire::Verdict::reject), 0, reason);
}

Consumer::Consumer(std::shared_ptr<client::Inbox> inbox) noexcept : inbox_(std::move(inbox)) {}
Consumer::Consumer(Consumer&&) noexcept = default;

Consumer& Consumer::operator=(Consumer&& other) noexcept {
    if (this == &other) return *this;
    if (inbox_) inbox_->release();
    inbox_ = std::move(other.inbox_);
    return *this;
}

Consumer::~Consumer() {
    if (inbox_) inbox_->release();
}

std::optional<Delivery> Consumer::next() {
    return inbox_->next(client::Inbox::Clock::time_point::max());
}

std::optional<Delivery> Consumer::next_within(std::chrono::milliseconds timeout) {
    return inbox_->next(client::Inbox::Clock::now() + timeout);
}

std::vector<Delivery> Consumer::fetch(std::size_t at_most, std::chrono::milliseconds timeout) {
    std::vector<Delivery> taken;
    while (taken.size() < at_most) {
        auto delivery = next_within(taken.empty() ? timeout : std::chrono::milliseconds{0});
        if (!delivery) break;
        taken.push_back(std::move(*delivery));
    }
    return taken;
}

int Consumer::fd() { return inbox_->fd(); }

void Consumer::close() noexcept {
    if (inbox_) inbox_->close(false);
}

void Consumer::forget() { inbox_->close(true); }

bool Consumer::is_open() const noexcept { return inbox_ && inbox_->is_open(); }

std::string Consumer::why() const { return inbox_ ? inbox_->why() : std::string{}; }

}  // namespace bus
