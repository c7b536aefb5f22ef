// Where an agent owes batches, and how they are told apart there.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/id.h"
#include "wire/batch.h"
#include "wire/names.h"

namespace bus::core {

// Counts the batches an agent has taken, over all its incarnations: the order of every stream.
using BatchId = StrongInt<struct BatchIdTag>;
// A destination's number in this agent's journal; 0 is none.
using DestinationId = StrongInt<struct DestinationIdTag, std::uint32_t>;

struct StreamId {
    DestinationId to;
    wire::Lane lane = wire::Lane::normal;
    friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

// Where an agent owes a batch: one of its own groups, or another agent (the final one, never a
// link).
struct Destination {
    enum class Type : std::uint8_t { queue = 0, durable = 1, anonymous = 2, agent = 3 };
    Type type = Type::queue;
    DestinationId id;
    wire::Kind kind = wire::Kind::topic;
    std::string name;  // queue: its name; durable: the subscription's; anonymous: an id of its own
    std::string filter;  // durable and anonymous
    std::string group;
    AgentId agent;  // type agent only
    friend bool operator==(const Destination&, const Destination&) = default;
};

}  // namespace bus::core
