#include "way_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace bus::cli {

std::string way_text(const nlohmann::ordered_json& path) {
    if (path.empty()) return "no way known";
    if (path.size() == 1) return "directly";
    return fmt::format("by {}, {} hops", path.front().get<std::string>(), path.size());
}

}  // namespace bus::cli
