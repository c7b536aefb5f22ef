// What the subcommands of `bus dead` have in common: which dead letters are meant.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "attachment.h"
#include "subcommands.h"

namespace bus::cli {

struct DeadFilter {
    std::string channel, reason;
    bool queue = false;

    void add_options(Command& command);
    void add_to(nlohmann::ordered_json& request) const;
    bool is_empty() const { return channel.empty() && reason.empty() && !queue; }
};

void add_dead_retry(Command& dead, Chosen& chosen, const Interruption& interruption);
void add_dead_purge(Command& dead, Chosen& chosen, const Interruption& interruption);

}  // namespace bus::cli
