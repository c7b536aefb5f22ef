// Dead letters as `bus dead` shows them, from the agent's JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace bus::cli {

class Paint;

// Of a list: one row for each letter. `letters` and `totals`: arrays.
std::string dead_letters_table(const nlohmann::ordered_json& letters);
// The same added up, by channel, destination and reason.
std::string dead_totals_table(const nlohmann::ordered_json& totals);
// One letter with what is in it.
std::string dead_letter_text(const nlohmann::ordered_json& letter, const Paint& paint);
// What was done, or would be. `verb`: "retried", "purged".
std::string dead_done_text(const nlohmann::ordered_json& done, const std::string& verb);

}  // namespace bus::cli
