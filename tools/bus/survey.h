// How the other agents are, each asked over the bus.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "far_question.h"

namespace bus::cli {

// `status`: that of this host's agent. An object with "agents", a list of this agent and all others
// it knows, by name: "agent" (id, null if it was never heard), "name", "outcome" ("here", "target",
// "denied", "no_way", "unknown", "down", "silent"), "rtt_micros", "words" where there is no
// summary, and "summary" or null. Throws Interrupted.
nlohmann::ordered_json survey(const nlohmann::ordered_json& status, const FarQuestions& questions);

}  // namespace bus::cli
