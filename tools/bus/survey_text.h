// How all agents are, for people: a line each, and under it what is wrong there.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace bus::cli {

// `survey`: as survey() makes it. `patience`: how long answers were waited for.
std::string survey_text(const nlohmann::ordered_json& survey, std::chrono::milliseconds patience);

}  // namespace bus::cli
