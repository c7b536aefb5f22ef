// Whose turn it is among the lanes of one queue or stream: of seven turns high
// has four, normal two and low one, so that high goes ahead and low never
// starves. A lane that has nothing gives its turn to the one behind it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "wire/batch.h"

namespace bus::wire {

class LaneTurns {
  public:
    // The lane that is next among those for which `has` is true; asking again changes nothing.
    template <class Has>
    std::optional<Lane> next(Has has) const {
        std::array<bool, lane_count> asked{};
        for (std::size_t tried = 0; tried < turns.size(); ++tried) {
            const Lane lane = turns[(turn_ + tried) % turns.size()];
            if (asked[static_cast<std::size_t>(lane)]) continue;
            asked[static_cast<std::size_t>(lane)] = true;
            if (has(lane)) return lane;
        }
        return std::nullopt;
    }
    // What next() said has had its turn.
    void pass(Lane lane) noexcept {
        while (turns[turn_] != lane) turn_ = (turn_ + 1) % turns.size();
        turn_ = (turn_ + 1) % turns.size();
    }

  private:
    static constexpr std::array turns{Lane::high, Lane::normal, Lane::high, Lane::low,
                                      Lane::high, Lane::normal, Lane::high};
    std::size_t turn_ = 0;
};

}  // namespace bus::wire
