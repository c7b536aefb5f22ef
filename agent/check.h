// What `bus-agent --check` says: all that can be known of a start before it,
// without making or starting anything.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace bus {

struct Checked {
    std::vector<std::string> mistakes;  // none: it would start, as far as files can tell
    std::vector<std::string> summary;   // of what was understood, a line each
};

Checked check(const std::filesystem::path& config_file);

}  // namespace bus
