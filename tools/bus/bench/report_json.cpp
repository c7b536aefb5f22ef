// The JSON form of a report. The figures of the first load stand at the top
// level too, so that a script that asks for one size needs no path.
#include <nlohmann/json.hpp>

#include "bench/report.h"

namespace bus::bench {
namespace {

using Json = nlohmann::ordered_json;

Json percentiles(const Histogram& latency) {
    return {{"p50", latency.percentile_micros(0.5)},
            {"p99", latency.percentile_micros(0.99)},
            {"p999", latency.percentile_micros(0.999)},
            {"samples", latency.samples()}};
}

Json load_json(const Load& load) {
    return {{"size", load.size},
            {"batch", load.single ? "single" : "full"},
            {"mode", load.best_effort ? "best-effort" : "guaranteed"}};
}

Json throughput_json(const Comparison& one) {
    Json json = load_json(one.load);
    json.update(Json{{"messages_per_second", one.bus.messages_per_second()},
                     {"raw_pipe_messages_per_second", one.raw.messages_per_second()},
                     {"share_of_raw_pipe", one.share_of_raw_pipe()},
                     {"cpu_seconds_per_million", one.bus.cpu_seconds_per_million()},
                     {"raw_pipe_cpu_seconds_per_million", one.raw.cpu_seconds_per_million()},
                     {"journal_bytes_per_payload_byte", one.journal_bytes_per_payload_byte()},
                     {"messages", one.bus.messages},
                     {"not_safe", one.bus.not_safe},
                     {"lost", one.bus.lost},
                     {"duplicates", one.bus.duplicates},
                     {"duplicates_unmarked", one.bus.duplicates_unmarked}});
    return json;
}

Json latency_json(const Comparison& one, double rate) {
    Json json = load_json(one.load);
    json.update(Json{{"rate", rate},
                     {"latency_us", percentiles(one.bus.latency)},
                     {"raw_pipe_latency_us", percentiles(one.raw.latency)},
                     {"lost", one.bus.lost},
                     {"duplicates", one.bus.duplicates},
                     {"duplicates_unmarked", one.bus.duplicates_unmarked}});
    return json;
}

Json request_json(const Comparison& one) {
    return {{"size", one.load.size},
            {"round_trip_us", percentiles(one.bus.latency)},
            {"bare_round_trip_us", percentiles(one.raw.latency)},
            {"cpu_seconds_per_million", one.bus.cpu_seconds_per_million()},
            {"bare_cpu_seconds_per_million", one.raw.cpu_seconds_per_million()}};
}

Json beside_large_json(const BesideLarge& one) {
    return {{"size", one.load.size},
            {"rate", one.rate},
            {"alone_us", percentiles(one.alone)},
            {"beside_us", percentiles(one.beside)},
            {"ratio_p99", one.ratio(0.99)},
            {"large_bytes", one.bytes},
            {"large_seconds", one.seconds},
            {"writer_resident_bytes", one.writer_bytes},
            {"near_resident_bytes", one.near_bytes},
            {"far_resident_bytes", one.far_bytes},
            {"reader_resident_bytes", one.reader_bytes},
            {"lost", one.lost},
            {"duplicates", 0},
            {"duplicates_unmarked", 0}};
}

Json outage_json(const OutageReport& report) {
    const OutageSample& sample = report.sample;
    Json json = load_json(report.outage.load);
    json.update(Json{{"messages", sample.sent.messages},
                     {"not_safe", sample.sent.not_safe},
                     {"journaled_messages_per_second", sample.journaled_messages_per_second},
                     {"fdatasync_loop_messages_per_second", report.fdatasync_messages_per_second},
                     {"share_of_fdatasync_loop", report.share_of_fdatasync_loop()},
                     {"backlog_file_bytes", sample.backlog_file_bytes},
                     {"disk_bytes", sample.disk_bytes},
                     {"resident_bytes", sample.resident_bytes},
                     {"resident_bytes_highest", sample.resident_bytes_highest},
                     {"drain_seconds", sample.drain_seconds},
                     {"drain_messages_per_second", sample.drain_messages_per_second()},
                     {"live_messages_per_second", sample.live_messages_per_second},
                     {"lost", sample.lost},
                     {"duplicates", sample.duplicates},
                     {"duplicates_unmarked", sample.duplicates_unmarked}});
    if (report.outage.restart_near) {
        json["stop_seconds"] = sample.stop_seconds;
        json["restart_seconds"] = sample.restart_seconds;
    }
    return json;
}

constexpr const char* counted[] = {"lost", "duplicates", "duplicates_unmarked"};

// What should be zero is added up over everything that was measured.
void count(Json& json, const Json& part) {
    for (const char* key : counted)
        json[key] = json.value(key, std::uint64_t{0}) + part.value(key, std::uint64_t{0});
}

}  // namespace

std::string Report::to_json() const {
    Json json, runs = Json::array();
    for (const Comparison& one : throughput) runs.push_back(throughput_json(one));
    if (!runs.empty()) json = runs.front();
    json["local"] = local;
    std::vector<Json> parts(runs.begin(), runs.end());
    if (latency) {
        parts.push_back(latency_json(*latency, rate));
        json["rate"] = rate;
        json["latency_us"] = parts.back()["latency_us"];
        json["raw_pipe_latency_us"] = parts.back()["raw_pipe_latency_us"];
    }
    if (beside_large) {
        parts.push_back(beside_large_json(*beside_large));
        json["beside_large"] = parts.back();
    }
    if (request) json["request"] = request_json(*request);
    const auto add = [&](const char* name, const std::optional<OutageReport>& report) {
        if (!report) return;
        parts.push_back(outage_json(*report));
        for (const char* key : {"journaled_messages_per_second", "share_of_fdatasync_loop",
                                "drain_seconds", "drain_messages_per_second"})
            json[key] = parts.back()[key];
        json[name] = parts.back();
    };
    add("outage", outage);
    add("backlog", backlog);
    for (const char* key : counted) json[key] = std::uint64_t{0};
    for (const Json& part : parts) count(json, part);
    json["runs"] = std::move(runs);
    return json.dump(2) + "\n";
}

}  // namespace bus::bench
