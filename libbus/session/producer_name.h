// The id of a producer that has a name: the same whenever this user says it to
// this agent, so that its marks outlive the program.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/id.h"

namespace bus::session {

// PROTOCOL.md, "Producers with a name".
ProducerId named_producer(const AgentId& agent, std::uint32_t uid, std::string_view name);

}  // namespace bus::session
