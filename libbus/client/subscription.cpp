#include "bus/subscription.h"

#include <algorithm>
#include <limits>

#include "bus/channel.h"
#include "client/core.h"
#include "client/inbox.h"
#include "wire/standard_headers.h"

namespace bus {

Delivery& Delivery::operator=(Delivery&& other) noexcept {
    if (this == &other) return *this;
    nack();
    message_ = other.message_;
    missed_ = other.missed_;
    read_ = other.read_;
    tag_ = other.tag_;
    index_ = other.index_;
    attempt_ = other.attempt_;
    redelivered_ = other.redelivered_;
    retained_ = other.retained_;
    completes_ = other.completes_;
    decided_ = other.decided_;
    held_ = std::move(other.held_);
    return *this;
}

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

std::uint64_t Delivery::size() const noexcept {
    return held_ && held_->stream ? held_->stream->size() : message_.bytes().size();
}

std::size_t Delivery::read(std::span<std::byte> into, std::chrono::milliseconds timeout) {
    using Clock = client::Inbox::Clock;
    if (held_ && held_->stream) {
        const auto until = timeout == forever ? Clock::time_point::max() : Clock::now() + timeout;
        return held_->inbox->read(*held_->stream, held_->epoch, into, until);
    }
    const auto bytes = std::min(into.size(), message_.bytes().size() - read_);
    std::copy_n(message_.bytes().data() + read_, bytes, into.data());
    read_ += bytes;
    return bytes;
}

Ack Delivery::reject(std::string_view reason) {
    return decide(static_cast<int>(wire::Verdict::reject), 0, reason);
}

Ack Delivery::reply(Payload payload, const ReplyOptions& options) {
    return answer(payload, {.content_type = options.content_type, .headers = options.headers},
                  options.timeout);
}

Ack Delivery::fail(std::string_view words) {
    constexpr std::size_t travels = 1'000;
    const Header failed[] = {{wire::header_key::error, words.empty() ? "the responder has failed"
                                                                     : words.substr(0, travels)}};
    const auto to = message_.header(wire::header_key::reply_to);
    if (to && !wire::is_reply_address(wire::Kind::service, *to))
        throw Error{"only a request is answered with an error: reject() this, or reply to it"};
    return answer({}, {.headers = failed}, std::chrono::seconds{5});
}

Ack Delivery::answer(Payload payload, PublishOptions options, std::chrono::milliseconds timeout) {
    if (!held_) return Ack::stale;
    if (decided_) return Ack::decided;
    options.timeout = timeout;
    const auto to = message_.header(wire::header_key::reply_to);
    const auto left = time_left();
    if (left && to && wire::is_reply_address(wire::Kind::service, *to))
        options.expires_in = std::max(*left, std::chrono::milliseconds{1});
    held_->inbox->core().answer(message_, payload, options);
    return ack();
}

std::optional<std::chrono::milliseconds> Delivery::time_left() const noexcept {
    if (!held_ || !held_->expires) return std::nullopt;
    const auto left = *held_->expires - client::Inbox::Clock::now();
    return std::max(std::chrono::floor<std::chrono::milliseconds>(left),
                    std::chrono::milliseconds{0});
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
    return inbox_->fetch(at_most, client::Inbox::Clock::now() + timeout);
}

std::optional<Gap> Consumer::take_gap() { return inbox_->take_gap(); }

int Consumer::fd() { return inbox_->fd(); }

void Consumer::close() noexcept {
    if (inbox_) inbox_->close(false);
}

void Consumer::forget() { inbox_->close(true); }

bool Consumer::is_open() const noexcept { return inbox_ && inbox_->is_open(); }

std::string Consumer::why() const { return inbox_ ? inbox_->why() : std::string{}; }

std::string_view to_text(Gap::Reason reason) {
    return wire::to_text(static_cast<wire::Gap::Reason>(reason));
}

}  // namespace bus
