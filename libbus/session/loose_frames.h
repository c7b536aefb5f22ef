// The best-effort batches that the socket still holds. No agent acknowledges
// them; that the socket lets go of one is all that tells whether the agent reads,
// and so when a flood has to wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "session/frame.h"

namespace bus::session {

class LooseFrames {
  public:
    // Given to the socket, which lets go of them in that order.
    void add(Frame frame) {
        bytes_ += frame.bytes().size();
        held_.push_back(std::move(frame));
    }
    // Forgets those that it has let go of.
    void look() {
        while (!held_.empty() && !held_.front().is_shared()) {
            bytes_ -= held_.front().bytes().size();
            held_.pop_front();
        }
    }
    // As of the last look.
    std::uint64_t bytes() const noexcept { return bytes_; }
    bool empty() const noexcept { return held_.empty(); }

  private:
    std::deque<Frame> held_;
    std::uint64_t bytes_ = 0;
};

}  // namespace bus::session
