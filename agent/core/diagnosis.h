// Answers to what people ask when a message is not where they expect it: plain
// values with a sentence each, which says what to do. Nothing is decided here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"
#include "wire/names.h"

namespace bus::core {

// Where a message would go that is published here now.
struct RouteDiagnosis {
    // `waits`: it is kept, here or on the way, until it can go on.
    enum class Verdict : std::uint8_t { goes, waits, denied };
    struct Here {
        std::string type, name, filter;
        std::uint64_t consumers = 0, waiting_messages = 0;
        std::string words;
    };
    struct There {
        AgentId agent;
        std::string name;
        std::vector<std::string> filters;  // of its that match
        std::vector<std::string> path;     // names, it included; empty: no way is known
        Verdict verdict = Verdict::goes;
        std::string words;
    };
    wire::Kind kind = wire::Kind::topic;
    std::string channel;
    std::vector<Here> here;
    std::vector<There> there;
    std::uint64_t not_interested = 0;  // agents that are known and want nothing of it
    std::vector<std::string> notes;    // what else keeps a publisher waiting
    bool reaches_somebody = false;     // now or later
};

// Why nothing comes.
struct WhyDiagnosis {
    enum class Weight : std::uint8_t { problem, note, good };
    struct Finding {
        Weight weight = Weight::note;
        std::string about;  // "durable alarms", "link tokyo", "rules", "journal"
        std::string words;
    };
    std::string what;
    std::vector<Finding> findings;  // problems first
    bool has_problem() const { return !findings.empty() && findings[0].weight == Weight::problem; }
};

}  // namespace bus::core
