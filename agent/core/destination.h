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

// Those of services have numbers of their own, which no journal has.
inline constexpr DestinationId first_service{0x8000'0000};
constexpr bool is_service(DestinationId id) { return id >= first_service; }

struct StreamId {
    DestinationId to;
    wire::Lane lane = wire::Lane::normal;
    friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

// Whose apps have published a batch, or declared a subscription: one more than the uid. 0: a
// peer's, or the configuration's.
using Owner = std::uint64_t;
constexpr Owner owner_of(std::uint32_t uid) { return Owner{uid} + 1; }

// Where an agent owes a batch: one of its own groups, or another agent (the final one, never a
// link).
struct Destination {
    // delay: what is not due yet, of this host's own producers (core/delay_line.h). The journal
    // never has a service: its requests live in memory. shared: a subscription group, a queue that
    // topics feed (core/sharing.cpp).
    enum class Type : std::uint8_t {
        queue = 0,
        durable = 1,
        anonymous = 2,
        agent = 3,
        delay = 4,
        service = 5,
        shared = 6
    };
    Type type = Type::queue;
    DestinationId id;
    wire::Kind kind = wire::Kind::topic;
    // queue: its name; durable: the subscription's; anonymous: an id of its own; shared: its
    // address
    std::string name;
    std::string filter;  // durable, anonymous, shared
    // shared: its name; durable, anonymous: it asks for last values, under this name
    std::string group;
    AgentId agent;        // type agent only
    bool paused = false;  // a durable one, by an operator: it collects and hands out nothing
    // shared: somebody of this host wants it to be; otherwise it is here for what peers want.
    bool declared = false;
    Owner owner = 0;  // durable, shared: who has declared it
    friend bool operator==(const Destination&, const Destination&) = default;
};

// Whether its filter says what it is owed, and not its own name.
constexpr bool has_filter(Destination::Type type) {
    return type == Destination::Type::durable || type == Destination::Type::anonymous ||
           type == Destination::Type::shared;
}
// Of what is found by its own name, and not by a filter.
constexpr Destination::Type type_of(wire::Kind kind) {
    return kind == wire::Kind::queue ? Destination::Type::queue : Destination::Type::service;
}

}  // namespace bus::core
