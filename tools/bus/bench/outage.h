// What happens while the far agent is down and after: everything is journaled
// and fsynced by the near agent, and drains when the far one is back.
#pragma once

#include <cstdint>

#include "bench/agent_pair.h"

namespace bus::bench {

struct Outage {
    Load load;
    Run run;                    // what is sent while the far agent is down
    double live_seconds = 1;    // before that, for comparison
    bool restart_near = false;  // stop and start the near agent on its backlog
};

struct OutageSample {
    Sent sent;  // while it was down
    double live_messages_per_second = 0;
    double journaled_messages_per_second = 0;  // until the last one was fsynced
    std::uint64_t backlog_file_bytes = 0, disk_bytes = 0;
    std::uint64_t resident_bytes = 0,
                  resident_bytes_highest = 0;  // near agent, after restart if any
    double stop_seconds = 0, restart_seconds = 0;
    double drain_seconds = 0;  // from the far agent's start until the last message had come
    std::uint64_t drained = 0, lost = 0, duplicates = 0;
    std::uint64_t duplicates_unmarked = 0;  // not said to be redelivered

    double drain_messages_per_second() const;
};

OutageSample measure_outage(AgentPair& agents, const Outage& outage, int interruption);

}  // namespace bus::bench
