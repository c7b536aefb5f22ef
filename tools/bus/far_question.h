// A question to another agent, asked over the bus by way of this host's agent.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "attachment.h"
#include "interruption.h"

namespace bus::cli {

struct FarQuestion {
    std::string agent;                // its name or id
    std::string what;                 // "presence", "status"
    std::optional<std::size_t> hops;  // agents that may pass it on; none: as many as there are
};

class FarQuestions {
  public:
    FarQuestions(const Attachment& attachment, const Interruption& interruption,
                 std::chrono::milliseconds patience)
        : attachment_(attachment), interruption_(interruption), patience_(patience) {}

    struct Asked {
        std::uint64_t question = 0;
        std::chrono::steady_clock::time_point give_up;
        std::string refused;  // why it could not be asked; empty: it was
    };
    // Waits as long as the agent has too many questions under way. Throws Interrupted.
    Asked ask(const FarQuestion& question) const;
    // The agent's answer to it; nullopt: none came within `patience`. Requires: it was not refused.
    // Throws Interrupted.
    std::optional<nlohmann::ordered_json> wait(const Asked& asked) const;

  private:
    const Attachment& attachment_;
    const Interruption& interruption_;
    const std::chrono::milliseconds patience_;
};

}  // namespace bus::cli
