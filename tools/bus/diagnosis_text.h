// What `bus route` and `bus why` show of the agent's answers.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace bus::cli {

// `route`: the answer under "route".
std::string route_text(const nlohmann::ordered_json& route);
// `why`: the answer under "why".
std::string why_text(const nlohmann::ordered_json& why, bool colours);

}  // namespace bus::cli
