// What happened, a line a step. A run keeps the last lines for the report of a
// failure and a hash of them all, by which two runs of a seed are compared.
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <stdexcept>
#include <string>

#include "base/time.h"

namespace bus::sim {

// An invariant does not hold: the run ends.
struct Broken : std::runtime_error {
    Broken(std::string invariant_name, const std::string& what)
        : std::runtime_error(what), invariant(std::move(invariant_name)) {}
    std::string invariant;
};

class Trace {
  public:
    static constexpr std::size_t lines_kept = 40;

    explicit Trace(bool print) : print_(print) {}
    void step(Time now, const std::string& what);
    std::uint64_t hash() const { return hash_; }
    std::uint64_t steps() const { return steps_; }
    const std::deque<std::string>& last() const { return last_; }

  private:
    const bool print_;
    std::uint64_t hash_ = 0xCBF29CE484222325ull;
    std::uint64_t steps_ = 0;
    std::deque<std::string> last_;
};

}  // namespace bus::sim
