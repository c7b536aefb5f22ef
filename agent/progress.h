// Is the journal getting anywhere? The watchdog is fed only while it is: an
// agent whose loop turns and whose disk hangs is not healthy.
#pragma once

#include <chrono>
#include <optional>

#include "base/time.h"

namespace bus {

class Progress {
  public:
    // So long a commit may take before the agent is not healthy any more.
    static constexpr std::chrono::seconds patience{60};

    void submitted(Time now) {
        if (!waits_since_) waits_since_ = now;
    }
    // Also that it failed: it is tried again.
    void answered() { waits_since_.reset(); }
    bool is_stuck(Time now) const { return waits_since_ && now - *waits_since_ > patience; }

  private:
    std::optional<Time> waits_since_;
};

}  // namespace bus
