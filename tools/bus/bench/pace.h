// When the messages of one run should leave, and when the run is over.
#pragma once

#include <cstdint>

#include "bench/dialogue.h"

namespace bus::bench {

class Pace {
  public:
    explicit Pace(const Run& run);

    // Sleeps until the next message is due. False: the run is over. `step`: messages that leave
    // at once.
    bool wait(std::uint64_t step = 1);
    // When the message that wait() let go should have left; 0 if the run is not paced.
    std::int64_t intended_nanos() const noexcept { return intended_; }
    std::uint64_t messages() const noexcept { return messages_; }
    std::int64_t first_nanos() const noexcept { return start_; }

  private:
    const Run run_;
    const std::int64_t start_, end_;
    std::int64_t intended_ = 0;
    std::uint64_t messages_ = 0, turns_ = 0;
};

}  // namespace bus::bench
