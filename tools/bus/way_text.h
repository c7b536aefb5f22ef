// The way to an agent, in a few words.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace bus::cli {

// "directly", "by hub1, 2 hops", "no way known". `path`: the names of the agents on it.
std::string way_text(const nlohmann::ordered_json& path);

}  // namespace bus::cli
