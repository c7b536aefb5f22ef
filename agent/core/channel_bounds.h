// What may wait on channels (Settings::channels): what the journal has of each
// bound, and which of them are reached.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/journal.h"
#include "core/settings.h"

namespace bus::core {

class ChannelBounds {
  public:
    struct One {
        std::uint32_t number = 0;  // of these channels, as long as there is a bound on them
        ChannelSettings settings;
        std::uint64_t bytes = 0;  // in the journal
        bool reached = false;     // until whole windows fit in again
    };

    // Of what is known, those of the same channels keep theirs. Returns the numbers of those that
    // hold nothing back any more: they have ended, or are larger.
    std::vector<std::uint32_t> replace(const std::vector<ChannelSettings>& bounds);
    // What the journal has to be asked for, if that is something else than it was.
    std::optional<Watch> take_watch();
    // Returns the numbers of those that have room again.
    std::vector<std::uint32_t> on_watched(const Watched& watched);

    const std::vector<One>& all() const { return all_; }
    const One* find(std::uint32_t number) const;
    bool any_reached() const { return any_reached_; }
    bool has_ages() const {
        return std::any_of(all_.begin(), all_.end(),
                           [](const One& one) { return one.settings.waiting.age > Duration{}; });
    }

  private:
    void judge(std::vector<std::uint32_t>& roomy);

    std::vector<One> all_;
    std::uint32_t last_number_ = 0;
    Watch watch_;
    bool any_reached_ = false;
};

}  // namespace bus::core
