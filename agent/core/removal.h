// What it means to forget an agent: a peer whose host was taken away, or one
// further off that nobody leads to any more. Plain values; removal.cpp finds
// them out, and does it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"

namespace bus::core {

struct Removal {
    enum class Verdict : std::uint8_t {
        unknown,    // no agent has this name
        ambiguous,  // several have it: the id names one
        reachable,  // no peer, and a peer leads to it: it would be back at once
        possible,
    };
    struct Owed {
        std::uint64_t messages = 0, bytes = 0, oldest_millis = 0;
    };
    // What is owed to it: a lane of its stream, or what is on its way.
    struct Part {
        std::string what;
        Owed owed;
    };
    // An agent that is reached by way of it.
    struct Behind {
        std::string name;
        std::vector<std::string> other_ways;  // neighbours; none: what is for it waits here
        Owed owed;
    };
    Verdict verdict = Verdict::unknown;
    AgentId agent;  // zero: a peer that was never heard
    std::string name;
    bool is_peer = false, configured = false;
    // Neighbours that lead to it besides itself. If there are any, it stays known, and so does what
    // is owed to it: only the link ends.
    std::vector<std::string> other_ways;
    Owed owed;
    std::vector<Part> parts;
    std::vector<Behind> behind;

    bool stays_known() const { return !other_ways.empty(); }
    bool needs_dead_letters() const { return !stays_known() && owed.messages > 0; }
};

}  // namespace bus::core
