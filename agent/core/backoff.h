// How long a message rests before it is handed out again, by how often it was
// given back: at once, 1 s, 5 s, 30 s, and then 5 minutes each time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace bus::core {

constexpr Duration redelivery_pause(std::uint32_t given_back) {
    using namespace std::chrono_literals;
    constexpr std::array<Duration, 5> pauses{0s, 1s, 5s, 30s, 300s};
    const std::size_t step = given_back == 0 ? 0 : given_back - 1;
    return pauses[std::min(step, pauses.size() - 1)];
}

}  // namespace bus::core
