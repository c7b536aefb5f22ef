// The agent's status for people: in words, in aligned columns.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace bus::cli {

// `status`: the agent's answer. Figures it does not have are left out, so that this reads the
// answers of older and newer agents too.
std::string status_text(const nlohmann::ordered_json& status, bool colours);

}  // namespace bus::cli
