#include "client/outgoing_stream.h"

#include <algorithm>

#include "client/compose.h"

namespace bus {
namespace client {
namespace {

session::LargeMessage announced(const session::Outgoing& message, std::uint64_t bytes) {
    auto large = session::ProducerSession::announce(message, bytes);
    if (!large) throw Error{"a message may have 1 GiB at most"};
    return *large;
}

}  // namespace

OutgoingStream::OutgoingStream(std::shared_ptr<Core> core, const session::Outgoing& message,
                               std::uint64_t bytes, Core::Millis timeout)
    : core_(std::move(core)),
      timeout_(timeout),
      channel_(message.channel),
      headers_(message.headers.begin(), message.headers.end()),
      large_(announced(message, bytes)) {
    large_.message.channel = channel_;
    large_.message.headers = headers_;
    part_.reserve(large_.next_bytes());
    if (!is_small()) receipt_ = core_->begin_large(large_);
}

// It goes as any other message, once it is whole.
bool OutgoingStream::is_small() const noexcept {
    return large_.bytes + headers_.size() + wire::message_overhead <= wire::batch_body_bytes_max;
}

void OutgoingStream::fail(StreamError::Why why, const std::string& words) {
    abandon();
    throw StreamError{why, words};
}

void OutgoingStream::throw_if_refused() const {
    if (!receipt_) return;
    std::lock_guard lock{receipt_->mutex};
    if (receipt_->worst == Outcome::reached) return;
    throw StreamError{StreamError::Why::refused, receipt_->reason.empty()
                                                     ? std::string{to_text(receipt_->worst)}
                                                     : receipt_->reason};
}

bool OutgoingStream::pass_part(Clock::time_point until) {
    throw_if_refused();
    if (!core_->offer_part(large_, part_, until)) return false;
    part_.clear();
    return true;
}

std::size_t OutgoingStream::write(Bytes bytes, Clock::time_point until) {
    if (over_) throw StreamError{StreamError::Why::incomplete, "the message is over"};
    if (bytes.size() > large_.bytes - written_)
        fail(StreamError::Why::incomplete, "more is written than the " +
                                               std::to_string(large_.bytes) +
                                               " bytes that were announced");
    std::size_t taken = 0;
    try {
        for (;;) {
            if (!is_small() && !large_.finished() && part_.size() == large_.next_bytes() &&
                !pass_part(until))
                return taken;
            if (taken == bytes.size()) return taken;
            const std::size_t room = is_small() ? bytes.size() : large_.next_bytes() - part_.size();
            const auto some = bytes.subspan(taken, std::min(room, bytes.size() - taken));
            part_.insert(part_.end(), some.begin(), some.end());
            taken += some.size();
            written_ += some.size();
        }
    } catch (const Error&) {
        abandon();
        throw;
    }
}

void OutgoingStream::write_all(Bytes bytes) {
    while (!bytes.empty()) {
        const auto some = bytes.first(std::min(bytes.size(), session::limits::part_bytes));
        const std::size_t taken = write(some, Clock::now() + timeout_);
        if (taken == 0)
            fail(StreamError::Why::timed_out,
                 "no room for this message within " + in_seconds(timeout_) +
                     ": the agent is away, full, or holds this channel back");
        bytes = bytes.subspan(taken);
    }
}

Receipt OutgoingStream::finish() {
    if (over_) throw StreamError{StreamError::Why::incomplete, "the message is over"};
    if (written_ < large_.bytes)
        fail(StreamError::Why::incomplete, "only " + std::to_string(written_) + " of the " +
                                               std::to_string(large_.bytes) +
                                               " bytes that were announced are written");
    if (is_small()) {
        over_ = true;
        large_.message.payload = part_;
        return core_->send(large_.message, timeout_);
    }
    while (!large_.finished()) {
        static_cast<void>(write({}, Clock::now() + timeout_));
        if (!large_.finished())
            fail(StreamError::Why::timed_out,
                 "no room for the rest of this message within " + in_seconds(timeout_));
    }
    over_ = true;
    return Receipt{receipt_};
}

void OutgoingStream::abandon() noexcept {
    if (std::exchange(over_, true) || is_small()) return;
    core_->abandon(large_);
}

}  // namespace client

StreamError::~StreamError() = default;

const char* to_text(StreamError::Why why) noexcept {
    switch (why) {
        case StreamError::Why::timed_out:
            return "timed out";
        case StreamError::Why::interrupted:
            return "interrupted";
        case StreamError::Why::given_up:
            return "given up";
        case StreamError::Why::damaged:
            return "damaged";
        case StreamError::Why::refused:
            return "refused";
        case StreamError::Why::incomplete:
            return "incomplete";
    }
    return "?";
}

StreamWriter::StreamWriter(std::unique_ptr<client::OutgoingStream> stream) noexcept
    : stream_(std::move(stream)) {}
StreamWriter::StreamWriter(StreamWriter&&) noexcept = default;
StreamWriter& StreamWriter::operator=(StreamWriter&&) noexcept = default;
StreamWriter::~StreamWriter() = default;

void StreamWriter::write(Payload bytes) { stream_->write_all(bytes.bytes()); }

std::size_t StreamWriter::write_some(Payload bytes, std::chrono::milliseconds timeout) {
    return stream_->write(bytes.bytes(), client::OutgoingStream::Clock::now() + timeout);
}

Receipt StreamWriter::finish() { return stream_->finish(); }

void StreamWriter::abandon() noexcept { stream_->abandon(); }

std::uint64_t StreamWriter::size() const noexcept { return stream_->size(); }

std::uint64_t StreamWriter::written() const noexcept { return stream_->written(); }

}  // namespace bus
