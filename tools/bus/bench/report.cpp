#include "bench/report.h"

#include <fmt/format.h>

#include "figures.h"
#include "table.h"

namespace bus::bench {
namespace {

using cli::grouped;
using cli::in_bytes;
using cli::significant;
using cli::Table;
using enum Table::Align;

std::string whole(double number) { return grouped(static_cast<std::uint64_t>(number + 0.5)); }

const char* batch_name(const Load& load) { return load.single ? "single" : "full"; }

std::string heading(const Report& report) {
    const std::string what = report.best_effort ? "Best-effort messages" : "Guaranteed messages";
    if (report.local)
        return what +
               " through one agent, and a raw libzmq ipc pipe through one process that\n"
               "carries the same batches with no guarantees:\n";
    return what +
           " over an encrypted link between two agents, and a raw libzmq CURVE\n"
           "pipe that carries the same batches with no guarantees:\n";
}

std::string throughput_table(const Report& report) {
    const auto& all = report.throughput;
    if (all.empty()) return {};
    Table table{{{"bytes", right},
                 {"batch"},
                 {"messages/s", right},
                 {"MB/s", right},
                 {"raw pipe/s", right},
                 {"share", right},
                 {"CPU s/million", right},
                 {"raw", right},
                 {"written/payload", right},
                 {"lost", right},
                 {"twice", right}}};
    for (const Comparison& one : all)
        table.add(
            {grouped(one.load.size), batch_name(one.load), whole(one.bus.messages_per_second()),
             significant(one.bus.messages_per_second() * one.load.size / 1e6),
             whole(one.raw.messages_per_second()), fmt::format("{:.2f}", one.share_of_raw_pipe()),
             significant(one.bus.cpu_seconds_per_million()),
             significant(one.raw.cpu_seconds_per_million()),
             fmt::format("{:.4f}", one.journal_bytes_per_payload_byte()), grouped(one.bus.lost),
             grouped(one.bus.duplicates)});
    return heading(report) + table.text("  ");
}

void add_latency(Table& table, const char* name, const Histogram& latency) {
    const auto micros = [&latency](double share) {
        return whole(latency.percentile_micros(share));
    };
    table.add({name, micros(0.5), micros(0.99), micros(0.999), grouped(latency.samples())});
}

std::string latency_table(const Comparison& one, double rate) {
    Table table{
        {{"one way, us"}, {"p50", right}, {"p99", right}, {"p99.9", right}, {"samples", right}}};
    add_latency(table, "bus", one.bus.latency);
    add_latency(table, "raw pipe", one.raw.latency);
    return fmt::format("\n{} messages/s of {} bytes, from the intended time of sending:\n{}",
                       significant(rate), grouped(one.load.size), table.text("  "));
}

std::string request_table(const Comparison& one, bool local) {
    Table table{
        {{"round trip, us"}, {"p50", right}, {"p99", right}, {"p99.9", right}, {"samples", right}}};
    add_latency(table, "bus", one.bus.latency);
    add_latency(table, "bare frames", one.raw.latency);
    const auto ratio = [&](double share) {
        const double bare = one.raw.latency.percentile_micros(share);
        return bare > 0 ? fmt::format("{:.2f}", one.bus.latency.percentile_micros(share) / bare)
                        : std::string{};
    };
    table.add({"bus / bare", ratio(0.5), ratio(0.99), ratio(0.999), ""});
    return fmt::format(
        "Requests of {} bytes and answers of as many, each after the one before, through {}\n"
        "and as bare frames through as many processes:\n{}",
        grouped(one.load.size), local ? "one agent" : "two agents", table.text("  "));
}

std::string beside_large_table(const BesideLarge& one) {
    Table table{
        {{"one way, us"}, {"p50", right}, {"p99", right}, {"p99.9", right}, {"samples", right}}};
    add_latency(table, "alone", one.alone);
    add_latency(table, "beside it", one.beside);
    const auto ratio = [&](double share) { return fmt::format("{:.2f}", one.ratio(share)); };
    table.add({"beside / alone", ratio(0.5), ratio(0.99), ratio(0.999), ""});
    return fmt::format(
        "{} messages/s of {} bytes over the link, alone and beside one of {} that took {} s\n"
        "({}/s; resident at most: its writer {}, near agent {}, far agent {}, its reader {}):\n{}",
        significant(one.rate), grouped(one.load.size), in_bytes(one.bytes),
        significant(one.seconds),
        in_bytes(static_cast<std::uint64_t>(static_cast<double>(one.bytes) / one.seconds)),
        in_bytes(one.writer_bytes), in_bytes(one.near_bytes), in_bytes(one.far_bytes),
        in_bytes(one.reader_bytes), table.text("  "));
}

std::string outage_table(const OutageReport& report) {
    const OutageSample& sample = report.sample;
    Table table{{{"far agent down"}, {"", right}}};
    table.add({"batches", batch_name(report.outage.load)});
    table.add({"messages journaled", grouped(sample.sent.messages - sample.sent.not_safe)});
    table.add(
        {"a second, each fsynced before its receipt", whole(sample.journaled_messages_per_second)});
    if (report.fdatasync_messages_per_second > 0)
        table.add({"  of a loop that writes and fsyncs as much as a commit may gather",
                   fmt::format("{:.2f}", report.share_of_fdatasync_loop())});
    table.add({"journal files", in_bytes(sample.backlog_file_bytes)});
    table.add({"near agent's memory, highest", in_bytes(sample.resident_bytes_highest)});
    if (report.outage.restart_near)
        table.add({"near agent's restart until ready, s", significant(sample.restart_seconds)});
    table.add({"drained in, s", significant(sample.drain_seconds)});
    table.add({"  messages a second", whole(sample.drain_messages_per_second())});
    table.add({"  live before the outage", whole(sample.live_messages_per_second)});
    table.add({"lost", grouped(sample.lost)});
    table.add({"twice, for the far agent was killed", grouped(sample.duplicates)});
    table.add({"  of these not marked as redelivered", grouped(sample.duplicates_unmarked)});
    return "\n" + table.text("  ");
}

}  // namespace

double Comparison::share_of_raw_pipe() const {
    const double limit = raw.messages_per_second();
    return limit > 0 ? bus.messages_per_second() / limit : 0;
}

double Comparison::journal_bytes_per_payload_byte() const {
    const double payload = static_cast<double>(bus.messages) * load.size;
    return payload > 0 ? static_cast<double>(bus.disk_bytes) / payload : 0;
}

double OutageReport::share_of_fdatasync_loop() const {
    return fdatasync_messages_per_second > 0
               ? sample.journaled_messages_per_second / fdatasync_messages_per_second
               : 0;
}

std::string Report::to_table() const {
    std::string text = throughput_table(*this);
    if (beside_large) text += beside_large_table(*beside_large);
    if (request) text += request_table(*request, local);
    if (latency) text += latency_table(*latency, rate);
    if (outage) text += outage_table(*outage);
    if (backlog) text += outage_table(*backlog);
    return text;
}

}  // namespace bus::bench
