// The hops to an agent and their round trips, for people and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace bus::cli {

struct Hop {
    std::string name;
    std::optional<double> millis;  // there and back; none: it gave no answer
    std::string words;             // where there is none: why
    bool is_end = false;           // nobody behind it can be asked
};

// "  2  tokyo   41.20 ms  +40.67 ms": the difference is to `before`, the last that answered.
// `number` counts from 1. `name_columns`: as wide as the longest name. Ends in a newline.
std::string hop_line(std::size_t number, const Hop& hop, std::optional<double> before,
                     std::size_t name_columns);

// Of several rounds: for each hop how many answers there were and how long they took. `rounds`:
// each begins with the first hop, may end early, and has no name where a hop was not asked.
std::string ping_summary(const std::vector<std::string>& names,
                         const std::vector<std::vector<Hop>>& rounds);

// [[{"hop":1,"name":"hub","rtt_micros":534,"words":""},...],...]: every round, with the hops that
// were asked; null and the reason in words where there was no answer.
nlohmann::ordered_json ping_json(const std::vector<std::vector<Hop>>& rounds);

}  // namespace bus::cli
