// The answer to `bus peer remove` for people.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace bus::cli {

std::string removal_text(const nlohmann::ordered_json& removal, bool dead_letter);

}  // namespace bus::cli
