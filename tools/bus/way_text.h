// The way to an agent, in a few words.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace bus::cli {

// "directly", "by hub1, 2 hops", "no way known". `path`: the names of the agents on it.
std::string way_text(const nlohmann::ordered_json& path);

// Is that an agent's id, which stands where its name is not known?
bool is_agent_id(const std::string& name);

}  // namespace bus::cli
