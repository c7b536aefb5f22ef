// Durable subscriptions for people: what there is, and what became of an order.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace bus::cli {

// The agent's "subscriptions".
std::string subscriptions_text(const nlohmann::ordered_json& all);
// At which agents one of them is known. Empty: this agent knows no other.
std::string agents_text_of(const nlohmann::ordered_json& subscription);
// The agent's "subscription", as the answer to that order: "add", "pause", "resume", "purge" or
// "remove".
std::string change_text(std::string_view order, const nlohmann::ordered_json& change, bool dry_run);

}  // namespace bus::cli
