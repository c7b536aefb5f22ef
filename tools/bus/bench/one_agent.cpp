#include "bench/one_agent.h"

#include "bench/agent_pair.h"

namespace bus::bench {

OneAgent::OneAgent(const std::filesystem::path& folder, const std::filesystem::path& executable,
                   std::uint64_t journal_bytes_max, int interruption)
    : agent_({.name = "here", .folder = folder / "here", .executable = executable}) {
    agent_.configure({}, journal_bytes_max);
    agent_.start(interruption);
}

std::unique_ptr<Process> OneAgent::start_producer(const Load& load) {
    return start_role(bus_role(load.request ? "requester" : "producer", load, agent_, channel_));
}
std::unique_ptr<Process> OneAgent::start_consumer(const Load& load) {
    return start_role(bus_role(load.request ? "responder" : "consumer", load, agent_, channel_));
}

}  // namespace bus::bench
