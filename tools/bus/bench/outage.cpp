#include "bench/outage.h"

#include <algorithm>
#include <chrono>

namespace bus::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto silence_patience = 30s;
constexpr auto stop_patience = 60s;

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}
double rate(std::uint64_t messages, std::int64_t nanos) {
    return nanos > 0 ? static_cast<double>(messages) * 1e9 / static_cast<double>(nanos) : 0;
}

double live_rate(Pair& pair, double length) {
    const Sent sent = pair.send({.seconds = length});
    const Received received = pair.receive(sent.total, silence_patience);
    return rate(sent.messages, received.last_nanos - sent.first_nanos);
}

void fill(AgentPair& agents, Pair& pair, const Run& run, OutageSample& sample) {
    const std::uint64_t written = agents.near().process().disk_bytes_written();
    sample.sent = pair.send(run);
    const std::int64_t took = sample.sent.safe_nanos - sample.sent.first_nanos;
    sample.journaled_messages_per_second = rate(sample.sent.messages - sample.sent.not_safe, took);
    sample.disk_bytes = agents.near().process().disk_bytes_written() - written;
    sample.backlog_file_bytes = agents.near().journal_file_bytes();
}

void restart(PrivateAgent& agent, int interruption, OutageSample& sample) {
    const std::int64_t begin = now_nanos();
    agent.stop(stop_patience);
    sample.stop_seconds = static_cast<double>(now_nanos() - begin) / 1e9;
    sample.restart_seconds = seconds(agent.start(interruption));
}

void drain(AgentPair& agents, Pair& pair, int interruption, OutageSample& sample) {
    const std::uint64_t before = sample.sent.total - sample.sent.messages;
    agents.far().start(interruption);
    const std::int64_t begin = now_nanos();
    const Received received = pair.receive(sample.sent.total, silence_patience);
    sample.drain_seconds = static_cast<double>(received.last_nanos - begin) / 1e9;
    sample.drained = received.distinct - std::min(received.distinct, before);
    sample.lost = sample.sent.total - std::min(sample.sent.total, received.distinct);
    sample.duplicates = received.duplicates;
    sample.duplicates_unmarked = received.duplicates_unmarked;
}

}  // namespace

double OutageSample::drain_messages_per_second() const {
    return drain_seconds > 0 ? static_cast<double>(drained) / drain_seconds : 0;
}

OutageSample measure_outage(AgentPair& agents, const Outage& outage, int interruption) {
    OutageSample sample;
    Pair pair{agents, outage.load, interruption};
    sample.live_messages_per_second = live_rate(pair, outage.live_seconds);
    agents.await_settled();
    agents.far().kill();
    agents.await_link(false);
    fill(agents, pair, outage.run, sample);
    if (outage.restart_near) restart(agents.near(), interruption, sample);
    sample.resident_bytes = agents.near().process().resident_bytes();
    sample.resident_bytes_highest = agents.near().process().resident_bytes_highest();
    drain(agents, pair, interruption, sample);
    pair.end();
    return sample;
}

}  // namespace bus::bench
