// What `bus drain` shows: a line while it waits, a table of what is left.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace bus::cli {

// "1,234 messages, 5.0 MiB to hand over, about 12 s"
std::string drain_progress(const nlohmann::ordered_json& drain);

// What is left and what keeps it; "" when nothing is.
std::string drain_table(const nlohmann::ordered_json& drain);

}  // namespace bus::cli
