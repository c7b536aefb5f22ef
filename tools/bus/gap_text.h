// What subscriptions have lost, for people.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace bus {
class Consumer;
}

namespace bus::cli {

// Of the agent's "gaps" of a subscription, as in "1,200 lost: 1,190 lapsed, 10 best effort; last 12
// on orders.eu, lapsed, taken ..."; empty: it has lost nothing.
std::string lost_text(const nlohmann::ordered_json& gaps);
// What the consumer was told since the last call goes to standard error.
void tell_gap(Consumer& consumer);

}  // namespace bus::cli
