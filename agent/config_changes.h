// What reading the configuration again changes, told to people line by line:
// by `bus reload --dry-run` before it happens, by the log when it does.
#pragma once

#include <string>
#include <vector>

#include "config.h"

namespace bus {

struct ConfigChanges {
    std::vector<std::string> lines;    // what takes effect at once: "peer tokyo: cost 5, was 1"
    std::vector<std::string> restart;  // keys whose new value takes effect at the next start
};

// From what the agent runs with to what the file says now. A peer is the same one if it has a key
// in common with a former one, or else its name.
ConfigChanges changes_between(const Config& was, const Config& is);

}  // namespace bus
