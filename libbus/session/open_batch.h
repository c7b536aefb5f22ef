// The batch that messages join: laid out as it will travel, envelope and header
// in front, each message encoded once where it will stay. The block is reused:
// a small batch leaves as a copy of the right size, so that the block stays
// warm, a large one takes the block along.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "session/frame.h"
#include "session/outgoing.h"
#include "wire/batch.h"

namespace bus::session {

struct ChannelState;

// Somebody wants to hear what became of a message.
struct Wish {
    std::uint64_t receipt = 0;
    wire::Stage stage = wire::Stage::safe;
};

class OpenBatch {
  public:
    bool is_open() const noexcept { return channel_ != nullptr; }
    // Starts a batch, with `part` one that takes a single message; it must not be open.
    void open(ChannelState& channel, const Outgoing& message, Stamp stamp, FramePool& pool,
              const std::optional<wire::Part>& part = {}, std::uint16_t flags = 0);
    // Open, of the same channel, kind, mode, lane, TTL, delay and reach, and room for it.
    bool admits(const Outgoing& message) const noexcept;
    // Appends, sealed with this sequence; the first one's is the batch's. Requires admits().
    void append(const Outgoing& message, std::uint64_t sequence);

    struct Closed {
        Frame frame;  // the envelope is not yet written
        std::vector<Wish> wishes;
        wire::BatchHeader header;  // its channel points into the ChannelState
        Time opened{};
    };
    // Writes the header and yields the frame. Requires at least one message.
    Closed close(const ProducerId& producer, std::uint64_t channel_sequence, FramePool& pool);

    ChannelState* channel() const noexcept { return channel_; }
    std::uint32_t messages() const noexcept { return count_; }
    std::size_t body_bytes() const noexcept { return body_; }
    std::size_t frame_bytes() const noexcept { return head_bytes_ + body_; }
    Time opened() const noexcept { return opened_; }
    std::uint64_t delay_millis() const noexcept { return delay_millis_; }
    const wire::BatchHeader& header() const noexcept { return header_; }

  private:
    bool admits_stage(const Outgoing& message) const noexcept;
    Frame block_;
    ChannelState* channel_ = nullptr;
    wire::BatchHeader header_;
    std::size_t head_bytes_ = 0;  // envelope and header
    std::size_t body_ = 0;
    std::uint32_t count_ = 0;
    std::uint64_t delay_millis_ = 0;
    Time opened_{};
    std::vector<Wish> wishes_;
};

}  // namespace bus::session
