// A large message that a program writes piece by piece: the part that is being
// filled, and what has been taken of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bus/stream.h"
#include "client/core.h"
#include "session/producer_session.h"

namespace bus::client {

// One thread at a time.
class OutgoingStream {
  public:
    using Clock = Core::Clock;

    // Throws Error: the connection is closed.
    OutgoingStream(std::shared_ptr<Core> core, const session::Outgoing& message,
                   std::uint64_t bytes, Core::Millis timeout);
    ~OutgoingStream() { abandon(); }
    OutgoingStream(const OutgoingStream&) = delete;
    OutgoingStream& operator=(const OutgoingStream&) = delete;

    std::size_t write(Bytes bytes, Clock::time_point until);
    void write_all(Bytes bytes);
    Receipt finish();
    void abandon() noexcept;

    std::uint64_t size() const noexcept { return large_.bytes; }
    std::uint64_t written() const noexcept { return written_; }

  private:
    bool is_small() const noexcept;
    bool pass_part(Clock::time_point until);
    void throw_if_refused() const;
    [[noreturn]] void fail(StreamError::Why why, const std::string& words);

    const std::shared_ptr<Core> core_;
    const Core::Millis timeout_;
    const std::string channel_;
    const std::vector<std::byte> headers_;
    session::LargeMessage large_;  // its views point to the two above
    std::shared_ptr<ReceiptState> receipt_;
    std::vector<std::byte> part_;
    std::uint64_t written_ = 0;
    bool over_ = false;
};

}  // namespace bus::client
