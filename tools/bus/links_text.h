// The links to peers, for people: a line each, and under it what waits and what is wrong.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace bus::cli {

// `links`: the list under "links" of the agent's status.
std::string links_text(const nlohmann::ordered_json& links);
// Why the link is down: the last error and when it was; empty: nothing is known.
std::string error_text(const nlohmann::ordered_json& link);

}  // namespace bus::cli
