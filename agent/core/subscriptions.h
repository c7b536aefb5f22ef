// Durable subscriptions and subscription groups as operators see them: declared before their
// programs come, paused, purged, ended. Plain values; subscriptions.cpp finds them out, and does
// it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/journal.h"

namespace bus::core {

// What an operator wants of one of them.
struct SubscriptionOrder {
    enum class What : std::uint8_t {
        add,     // it stands from now on, whether or not a program has asked for it
        pause,   // it collects, and hands out nothing, also after a restart
        resume,  // it hands out again
        purge,   // what it has is dropped; it stands, and its consumers stay
        remove,  // it ends for good, with what it has; its consumers are told
    };
    What what = What::add;
    std::string name, filter;  // the filter is for `add` alone
    bool group = false;        // as a group, for `add` alone
    bool dry_run = false;      // only say what would happen
};

struct SubscriptionChange {
    enum class Verdict : std::uint8_t {
        done,
        as_it_was,     // it was so before
        unknown,       // there is none of that name
        other_filter,  // it stands with another one, which `filter` says
        other_type,    // it stands as a group, and was wanted as none; or the other way round
        configured,    // the configuration declares it: removed, it would be back
        too_many,      // limits::subscriptions_max
    };
    Verdict verdict = Verdict::done;
    std::string name, filter;
    bool group = false;
    std::uint64_t consumers = 0;
    // What waited before; of these `handed_out` are with its consumers.
    std::uint64_t messages = 0, bytes = 0, handed_out = 0;
    Submission stored_by;  // it is durable when that is on disk; 0: nothing has changed
};

// What another agent knows of a subscription: only then what is published there is for it.
struct Acquaintance {
    enum class State : std::uint8_t {
        known,        // it has confirmed
        told,         // it is linked, and has not confirmed yet
        behind,       // it is told by `via`, which is linked, and nothing comes back of it
        unreachable,  // it is told as soon as there is a way to it
    };
    std::string agent;
    State state = State::unreachable;
    std::string via;  // the peer by which it is reached; empty: itself
};

struct SubscriptionStatus {
    std::string name, filter;
    bool group = false;
    bool paused = false;
    bool configured = false;  // the configuration declares it
    std::uint64_t consumers = 0;
    std::uint64_t waiting_messages = 0, waiting_bytes = 0, oldest_millis = 0, handed_out = 0;
    std::uint64_t share_bytes = 0, share_age_millis = 0;  // beyond it, it lapses
    Gaps gaps;
    Account account;
    std::vector<Acquaintance> agents;
};

}  // namespace bus::core
