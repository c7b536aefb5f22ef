// A snapshot of the exchange for people and metrics: plain values, no references.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "core/gaps.h"
#include "core/journal.h"
#include "core/traffic.h"
#include "wire/names.h"

namespace bus::core {

struct LinkStatus {
    std::string peer;
    std::string state;                        // "up", "down", "not configured"
    std::optional<std::uint64_t> for_millis;  // in this state; none: it never was up
    bool dialled = false;
    bool relays = false;
    std::uint32_t cost = 0;
    AgentId agent;  // zero until it was first heard
    std::uint64_t backlog_entries = 0, backlog_messages = 0, backlog_bytes = 0;
    std::uint64_t backlog_age_millis = 0;
    std::uint64_t limit_bytes = 0, limit_age_millis = 0;  // of what waits; 0: none of its own
    std::uint64_t in_flight_bytes = 0, window_bytes = 0;
    // At the present speed; none: nothing waits, or nothing moves.
    std::optional<std::uint64_t> drained_in_millis;
    std::uint64_t rtt_micros = 0;  // the last one measured; 0: none was
    std::uint64_t sent_messages = 0, received_messages = 0;
    std::uint64_t sent_bytes = 0, received_bytes = 0;
    Traffic::Speed sending, receiving;               // over the last seconds
    std::vector<std::string> held;                   // channels the peer cannot take now
    bool has_address = false;                        // this agent dials it
    std::string last_error;                          // since it was up
    std::optional<std::uint64_t> last_error_millis;  // ago
    std::size_t interest = 0;
    Account account;  // of what is owed to it; without a destination until it was first heard
};

// Another agent, near or far.
struct AgentStatus {
    AgentId agent;
    std::string name;               // empty: not heard of
    std::vector<std::string> path;  // names of the agents on the way, it included; empty: no way
    std::uint32_t cost = 0;
    bool up = false;                           // all links on the way are
    std::uint64_t interest = 0;                // items
    std::optional<std::uint64_t> down_millis;  // none: it is up, or was not since the agent started
    std::string waits_at;  // while it is down: the agent at which what is for it waits
    std::uint64_t waiting_messages = 0, waiting_bytes = 0, oldest_millis = 0;  // not on their way
    Account account;
};

// What waits on channels that have a bound.
// What this host's publishers may bring, on channels or of one user. Limits of 0: none.
struct PublisherStatus {
    std::string of;  // "sensors.**", "queue orders", "uid 1000"
    std::uint64_t waiting_bytes = 0, waiting_messages = 0;
    std::uint64_t limit_bytes = 0, limit_messages = 0, limit_age_millis = 0, limit_rate = 0;
    bool holding = false;       // one is reached: publishers of this host are held back
    bool refuses = false;       // beyond it they are refused, and not held back
    std::uint64_t refused = 0;  // messages
};

struct DenialStatus {
    std::string who, verb, channel, rule;  // "uid 1000", "publish on", "a.b", what is allowed
    std::uint64_t times = 0, last_millis = 0;
};

struct GroupStatus {
    std::string type;  // "queue", "durable", "anonymous", "group"
    std::string name, filter;
    bool paused = false;
    std::uint64_t waiting_messages = 0, waiting_bytes = 0, oldest_millis = 0;
    std::uint64_t consumers = 0;
    std::uint64_t unacknowledged = 0;
    // Of a homed queue: the agent that keeps it, this one or another, of which there are only this
    // host's consumers here then; empty: it floats.
    std::string home;
    bool exclusive = false;
    std::uint64_t consumers_elsewhere = 0;  // of the consumers, where it is kept
    std::uint64_t unattached = 0;           // elsewhere: consumers that the home does not know of
    // Something waits, and nobody consumes it anywhere; none: somebody does, or nothing waits.
    std::optional<std::uint64_t> unattended_millis;
    Account account;
    std::uint64_t share_bytes = 0, share_age_millis = 0;  // of a durable one: beyond it, it lapses
    Gaps gaps;                                            // of a subscription
};

struct Status {
    std::string name, version;
    AgentId agent;
    std::uint64_t incarnation = 0;
    std::uint64_t uptime_millis = 0;
    std::uint64_t sessions = 0;
    bool relay = false;
    bool draining = false;
    std::vector<LinkStatus> links;
    std::vector<AgentStatus> agents;
    std::vector<GroupStatus> groups;
    std::vector<PublisherStatus> channels, apps;
    std::vector<DenialStatus> denials;
    std::vector<Account> accounts;  // G5, all destinations
    std::uint64_t unrouted = 0;
    std::uint64_t memory_bytes = 0;  // of batches held
    std::uint64_t unsafe_batches = 0;
    JournalSpace journal;
    bool journal_full = false;
    std::uint64_t denied = 0, malformed = 0, late_acks = 0, duplicates_dropped = 0,
                  best_effort_dropped = 0;
    std::uint64_t replies_dropped = 0;    // to who is gone, or for whom too much waits
    std::uint64_t questions_dropped = 0;  // of other agents, and answers: too many, or nobody there
    std::uint64_t dead_letters = 0;
    std::uint64_t last_values = 0, last_value_bytes = 0;  // kept for late joiners
    // Not due yet; when the next of them is, none: nothing waits, or it is being read.
    std::uint64_t delayed_messages = 0, delayed_bytes = 0;
    std::optional<std::uint64_t> next_due_millis;
    Account delayed;
    std::vector<std::string> held_producers;  // "topic a.b", "topic **, for 3 sources"
};

}  // namespace bus::core
