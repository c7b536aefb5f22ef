// The simulator's own randomness: xoshiro256** from a seed. The same seed gives
// the same run on every machine, which std::uniform_int_distribution does not.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/time.h"

namespace bus::sim {

class Random {
  public:
    explicit Random(std::uint64_t seed) {
        for (auto& word : state_) word = split_mix(seed);
    }

    std::uint64_t next() noexcept {
        const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = rotate(state_[3], 45);
        return result;
    }
    // In [low, high].
    std::uint64_t between(std::uint64_t low, std::uint64_t high) {
        BUS_ASSERT(low <= high);
        return low + next() % (high - low + 1);
    }
    Duration between(Duration low, Duration high) {
        return Duration{static_cast<std::int64_t>(between(
            static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count())))};
    }
    // True in `percent` of a hundred draws; in `of_thousand` of a thousand.
    bool percent(std::uint64_t percent) { return next() % 100 < percent; }
    bool per_mille(std::uint64_t of_thousand) { return next() % 1000 < of_thousand; }
    template <class T>
    T& pick(std::vector<T>& from) {
        BUS_ASSERT(!from.empty());
        return from[next() % from.size()];
    }
    template <class T>
    const T& pick(const std::vector<T>& from) {
        BUS_ASSERT(!from.empty());
        return from[next() % from.size()];
    }

  private:
    static std::uint64_t rotate(std::uint64_t value, int by) noexcept {
        return (value << by) | (value >> (64 - by));
    }
    static std::uint64_t split_mix(std::uint64_t& seed) noexcept {
        std::uint64_t z = (seed += 0x9E3779B97F4A7C15ull);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        return z ^ (z >> 31);
    }
    std::uint64_t state_[4];
};

}  // namespace bus::sim
