// What the stories of the core begin with: hosts, and who plays in them.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "hosts.h"

namespace bus::core::test {

inline const ProducerId producer{{7, 7}};
inline const SessionId app{1}, reader{2};

using Sequences = std::vector<std::uint64_t>;
using Texts = std::vector<std::string>;

// `reader` wants "news", durably unless it is a queue.
inline void subscribe(Host& host, wire::Kind kind = wire::Kind::topic,
                      const std::string& name = "news") {
    host.open(reader);
    wire::Subscribe command;
    command.id = 1;
    command.kind = kind;
    command.filter = "news";
    if (kind == wire::Kind::topic) command.durable = name;
    host.subscribe(reader, command);
}

// What a journal of agent {1, 1} holds of its one destination.
inline Recovered backlog_of(Destination to, std::uint64_t entries, BatchId last) {
    Recovered found;
    found.agent = AgentId{{1, 1}};
    found.last_batch = last;
    found.last_destination = to.id = DestinationId{1};
    found.destinations.push_back(std::move(to));
    found.streams.push_back({.id = {DestinationId{1}, wire::Lane::normal},
                             .entries = entries,
                             .messages = entries,
                             .bytes = 50 * entries,
                             .first = BatchId{1},
                             .last = last});
    return found;
}

// The sequences that have come; all acknowledged.
inline Sequences read(Host& host) {
    Sequences found;
    while (auto delivery = host.next_delivery()) {
        found.push_back(delivery->batch.header().sequence);
        host.ack(reader, *delivery);
    }
    return found;
}

// The same, each with an asterisk if it came marked.
inline Texts read_marks(Host& host) {
    Texts found;
    while (auto delivery = host.next_delivery()) {
        found.push_back(std::to_string(delivery->batch.header().sequence) +
                        (delivery->envelope.redelivered() ? "*" : ""));
        host.ack(reader, *delivery);
    }
    return found;
}

}  // namespace bus::core::test

using namespace bus;
using namespace bus::core;
using namespace bus::core::test;
using namespace std::chrono_literals;
