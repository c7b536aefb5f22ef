#include "way_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace bus::cli {

std::string way_text(const nlohmann::ordered_json& path) {
    if (path.empty()) return "no way known";
    if (path.size() == 1) return "directly";
    return fmt::format("by {}, {} hops", path.front().get<std::string>(), path.size());
}

bool is_agent_id(const std::string& name) {
    return name.size() == 32 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace bus::cli
