// The account of every destination, for people: what came in is what went out and what is here
// (G5).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "paint.h"

namespace bus::cli {

// `status`: the agent's answer. Figures that are 0 everywhere are left out.
std::string accounts_text(const nlohmann::ordered_json& status, const Paint& paint);

}  // namespace bus::cli
