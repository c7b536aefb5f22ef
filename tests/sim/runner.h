// Runs seeds and says what became of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cluster.h"

namespace bus::sim {

struct Failure {
    std::uint64_t seed = 0;
    std::string invariant, what;
};

// One seed. A failure is reported on standard output with the last steps, unless `quiet`.
std::optional<Failure> run_seed(std::uint64_t seed, bool print, bool quiet, Result& result);

// Many, until the first failure. Says how fast.
int run_seeds(std::uint64_t first, std::uint64_t count, bool keep_going);

// Switches each mutation on in turn and looks for a seed that notices; at most `seeds` each.
// `only`: one mutation by its name; empty: all. Returns how many were not caught.
int run_mutations(const std::string& only, std::uint64_t seeds);

}  // namespace bus::sim
