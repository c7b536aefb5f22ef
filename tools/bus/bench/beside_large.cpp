#include "bench/beside_large.h"

#include <bus/error.h>
#include <fmt/format.h>

namespace bus::bench {
namespace {
constexpr std::chrono::seconds large_patience{3600};
constexpr std::chrono::seconds read_patience{60};
}  // namespace

double BesideLarge::ratio(double share) const {
    const double limit = alone.percentile_micros(share);
    return limit > 0 ? beside.percentile_micros(share) / limit : 0;
}

BesideLarge measure_beside_large(AgentPair& agents, const Load& load, const Run& run,
                                 std::uint64_t bytes, int interruption) {
    BesideLarge result{.load = load, .rate = run.rate, .bytes = bytes};
    const auto add = [&](Histogram& to, double seconds) {
        const Run part{.seconds = seconds, .rate = run.rate};
        const Sample sample = measure(agents, load, part, interruption);
        to.add(sample.latency);
        result.lost += sample.lost;
    };
    add(result.alone, run.seconds / 2);

    Pair large{agents, {.size = static_cast<std::uint32_t>(bytes), .streamed = true}, interruption};
    large.begin({.messages = 1});
    add(result.beside, run.seconds);
    const std::int64_t measured = now_nanos();
    const Sent sent = large.sent(large_patience);
    const Received received = large.receive(sent.total, read_patience);
    result.lost += sent.total - received.distinct;
    result.seconds = static_cast<double>(received.last_nanos - sent.first_nanos) / 1e9;
    result.near_bytes = agents.near().process().resident_bytes_highest();
    result.far_bytes = agents.far().process().resident_bytes_highest();
    result.writer_bytes = large.producer().resident_bytes_highest();
    result.reader_bytes = large.consumer().resident_bytes_highest();
    large.end();
    if (received.last_nanos < measured)
        throw Error(
            fmt::format("the large message was through after {:.1f} s, before the others "
                        "were measured: give it more bytes, or them less --seconds",
                        result.seconds));

    add(result.alone, run.seconds / 2);
    return result;
}

}  // namespace bus::bench
