// bus bench: what this machine makes of guaranteed messages, measured beside
// the two limits that no bus can pass: a raw CURVE pipe and a write-and-fdatasync loop.
// Bus and raw pipe take turns within one run, so that their ratio holds on a machine that is
// busy with other things.
#include <bus/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <numeric>
#include <set>

#include "bench/agent_pair.h"
#include "bench/beside_large.h"
#include "bench/fdatasync_loop.h"
#include "bench/one_agent.h"
#include "bench/outage.h"
#include "bench/raw_frame.h"
#include "bench/raw_pipe.h"
#include "bench/report.h"
#include "bench/temporary_folder.h"
#include "command.h"
#include "failure.h"
#include "interruption.h"
#include "progress.h"
#include "subcommands.h"

namespace bus::bench {
namespace {

constexpr std::uint64_t journal_bytes_usual = 20ull << 30;
constexpr double fdatasync_seconds_max = 2;
// What an agent lets one producer have on its way, and so the most that one commit can gather of
// it.
constexpr std::uint64_t group_commit_bytes = 4 << 20;

struct Options {
    std::vector<std::uint32_t> sizes{100, 1024, 65536};
    double seconds = 3;
    double rate = 2000;
    double offered = 0;
    unsigned rounds = 3;
    unsigned batch = 0;
    double outage_seconds = 0;
    std::uint64_t backlog_bytes = 0;
    std::uint64_t beside_large_bytes = 0;
    std::set<std::string> only;
    std::string folder = "/var/tmp";
    std::string agent;
    bool local = false, best_effort = false, request = false;
    bool json = false;

    std::filesystem::path agent_path() const {
        return agent.empty() ? find_agent() : std::filesystem::path{agent};
    }
    std::uint64_t journal_bytes() const { return std::max(journal_bytes_usual, 4 * backlog_bytes); }
};

class Bench {
  public:
    Bench(const Options& options, const cli::Interruption& interruption)
        : options_(options),
          interruption_(interruption.fd()),
          folder_(options.folder),
          raw_(options.local ? RawPipe::Reach::one_host : RawPipe::Reach::two_hosts, folder_.path(),
               interruption_) {
        if (options.local)
            agent_.emplace(folder_.path(), options.agent_path(), options.journal_bytes(),
                           interruption_);
        else
            agents_.emplace(folder_.path(), options.agent_path(), options.journal_bytes(),
                            interruption_);
    }

    Report run() {
        Report report{
            .local = options_.local, .best_effort = options_.best_effort, .rate = options_.rate};
        if (options_.request) {
            report.request = round_trip();
            return report;
        }
        if (options_.beside_large_bytes > 0) {
            report.beside_large = beside_large();
            return report;
        }
        if (wanted("throughput"))
            for (const Load& load : loads()) report.throughput.push_back(throughput(load));
        if (wanted("latency") && options_.rate > 0) report.latency = latency();
        if (options_.outage_seconds > 0) report.outage = outage();
        if (options_.backlog_bytes > 0) report.backlog = backlog();
        return report;
    }

  private:
    bool wanted(const char* what) const {
        return options_.only.empty() || options_.only.contains(what);
    }

    // Each size in full batches, and alone in its batch where that differs.
    std::vector<Load> loads() const {
        std::vector<Load> loads;
        for (const std::uint32_t size : options_.sizes)
            for (const bool single : {false, true})
                if (wants_batch(single) && (!single || raw_frames(size, false).messages > 1))
                    loads.push_back(
                        {.size = size, .single = single, .best_effort = options_.best_effort});
        return loads;
    }
    bool wants_batch(bool single) const { return options_.batch == 0 || single; }
    Load first_load() const {
        return {.size = options_.sizes.front(),
                .single = options_.batch == 1,
                .best_effort = options_.best_effort};
    }

    // The bus and the raw pipe in turns, each for `seconds` in all.
    Comparison compare(const Load& load, double rate, double raw_rate, const char* what) {
        Comparison result{.load = load};
        const double seconds = options_.seconds / options_.rounds;
        const Run run{.seconds = seconds, .rate = rate},
            raw_run{.seconds = seconds, .rate = raw_rate};
        for (unsigned round = 1; round <= options_.rounds; ++round) {
            progress_.show(fmt::format("{}, {} bytes, {} batches: round {} of {}", what, load.size,
                                       load.single ? "single" : "full", round, options_.rounds));
            result.bus.add(measure(bus(), load, run, interruption_));
            result.raw.add(measure(raw_, load, raw_run, interruption_));
        }
        return result;
    }
    Comparison throughput(const Load& load) {
        return compare(load, options_.offered, 0, "throughput");
    }
    Path& bus() { return agent_ ? static_cast<Path&>(*agent_) : *agents_; }
    Comparison latency() {
        return compare({.size = options_.sizes.front(), .best_effort = options_.best_effort},
                       options_.rate, options_.rate, "latency");
    }

    Comparison round_trip() {
        const Load load{.size = options_.sizes.front(), .single = true, .request = true};
        Comparison result{.load = load};
        const Run run{.seconds = options_.seconds / options_.rounds, .rate = options_.rate};
        for (unsigned round = 1; round <= options_.rounds; ++round) {
            progress_.show(fmt::format("requests of {} bytes: round {} of {}", load.size, round,
                                       options_.rounds));
            result.bus.add(measure_requests(bus(), load, run, interruption_));
            result.raw.add(measure_requests(raw_, load, run, interruption_));
        }
        return result;
    }

    BesideLarge beside_large() {
        progress_.show("beside a large message");
        const Run run{.seconds = options_.seconds, .rate = options_.rate};
        return measure_beside_large(*agents_, first_load(), run, options_.beside_large_bytes,
                                    interruption_);
    }

    OutageReport outage() {
        progress_.show(fmt::format("the far agent is down for {} s", options_.outage_seconds));
        OutageReport report{.outage = {.load = first_load(),
                                       .run = {.seconds = options_.outage_seconds},
                                       .live_seconds = options_.seconds}};
        report.sample = measure_outage(*agents_, report.outage, interruption_);
        const RawFrames batch = raw_frames(report.outage.load.size, false);
        const auto bytes =
            std::accumulate(batch.bytes.begin(), batch.bytes.end(), std::uint64_t{0});
        const std::uint64_t batches = std::max<std::uint64_t>(1, group_commit_bytes / bytes);
        const double appends = fdatasync_appends_per_second(
            folder_.path(), batches * bytes,
            std::chrono::duration<double>{std::min(options_.seconds, fdatasync_seconds_max)});
        report.fdatasync_messages_per_second =
            appends * static_cast<double>(batches * batch.messages);
        return report;
    }

    OutageReport backlog() {
        progress_.show(fmt::format("a backlog of {} bytes", options_.backlog_bytes));
        const Load load = first_load();
        OutageReport report{.outage = {.load = load,
                                       .run = {.messages = options_.backlog_bytes / load.size},
                                       .live_seconds = options_.seconds,
                                       .restart_near = true}};
        report.sample = measure_outage(*agents_, report.outage, interruption_);
        return report;
    }

    const Options& options_;
    const int interruption_;
    cli::Progress progress_;
    const TemporaryFolder folder_;
    std::optional<AgentPair> agents_;  // these two, or the one
    std::optional<OneAgent> agent_;
    RawPipe raw_;
};

// What can be asked for together.
void check(const Options& options) {
    const bool outage = options.outage_seconds > 0 || options.backlog_bytes > 0;
    if (options.local && outage)
        throw Error("--outage and --backlog need a far agent: without --local");
    if (options.best_effort && outage)
        throw Error("--outage and --backlog are about guaranteed messages: without --best-effort");
    if (options.beside_large_bytes > 0 &&
        (outage || options.local || options.request || !options.only.empty()))
        throw Error(
            "--beside-large measures nothing else, on a link: without --local, --request, --only, "
            "--outage and --backlog");
    if (options.beside_large_bytes > std::uint64_t{1} << 30)
        throw Error("--beside-large: a message may have 1GiB at most");
    if (options.beside_large_bytes > 0 && options.rate <= 0)
        throw Error("--beside-large measures latency: it needs a --rate above 0");
    if (options.request && (outage || options.best_effort || !options.only.empty()))
        throw Error(
            "--request measures nothing else: without --best-effort, --only, --outage and "
            "--backlog");
}

int run_bench(const Options& options, const cli::Interruption& interruption) {
    check(options);
    const Report report = Bench{options, interruption}.run();
    std::cout << (options.json ? report.to_json() : report.to_table()) << std::flush;
    const auto failed = [](const std::optional<OutageReport>& one) {
        return one && (one->sample.lost > 0 || one->sample.duplicates_unmarked > 0 ||
                       one->sample.sent.not_safe > 0);
    };
    const bool some_lost = report.beside_large && report.beside_large->lost > 0;
    const bool lost = some_lost ||
                      std::any_of(report.throughput.begin(), report.throughput.end(),
                                  [](const Comparison& one) {
                                      return (one.load.best_effort ? 0 : one.bus.lost) +
                                                 one.bus.duplicates_unmarked >
                                             0;
                                  }) ||
                      failed(report.outage) || failed(report.backlog);
    if (!std::cout) return static_cast<int>(cli::ExitCode::output);
    return static_cast<int>(lost ? cli::ExitCode::failed : cli::ExitCode::ok);
}

}  // namespace
}  // namespace bus::bench

namespace bus::cli {

void add_bench(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<bench::Options>();
    Command* bench = bus.add_subcommand("bench", "Measure the bus on this machine");
    bench->add_footer(
        "Measures guaranteed messages over an encrypted link between two private agents on this\n"
        "machine, beside a raw libzmq CURVE pipe that carries the same batches. Uses no agent "
        "that\n"
        "runs already. Exit code 1 if a guaranteed message was lost, or one came twice\nwithout a "
        "mark.");
    bench->add_option("--size", options->sizes, "Bytes of a message; may be repeated")
        ->check(number_within(bench::size_min, std::uint64_t{1} << 26))
        ->type_name("BYTES")
        ->capture_default_str();
    bench->add_option("--seconds", options->seconds, "Of sending, for each figure")
        ->check(number_within(0.1, 3600.0))
        ->type_name("SECONDS")
        ->capture_default_str();
    bench->add_option("--rate", options->rate, "Messages a second while latency is measured; 0: no")
        ->check(number_not_below_zero())
        ->type_name("N")
        ->capture_default_str();
    bench->add_flag("--local", options->local, "Within one host: one agent, beside a raw ipc pipe");
    bench->add_flag("--best-effort", options->best_effort,
                    "Best-effort messages on a topic: what comes is counted, and what is lost");
    bench->add_flag("--request", options->request,
                    "The round trip of requests, one after the other, at most --rate a second, "
                    "beside bare frames through as many processes");
    bench
        ->add_option("--offered", options->offered,
                     "Messages a second that a throughput run sends; 0: as many as it can")
        ->check(number_not_below_zero())
        ->type_name("N")
        ->capture_default_str();
    bench->add_option("--rounds", options->rounds, "Turns between the bus and the raw pipe")
        ->check(number_within(std::uint64_t{1}, std::uint64_t{1000}))
        ->type_name("N")
        ->capture_default_str();
    bench->add_option("--batch", options->batch, "1: only with one message in each batch")
        ->check(number_within(std::uint64_t{0}, std::uint64_t{1}))
        ->type_name("1");
    bench
        ->add_option("--outage", options->outage_seconds,
                     "Kill the far agent, send for so long, let it drain")
        ->check(number_not_below_zero())
        ->type_name("SECONDS");
    bench
        ->add_option("--backlog", options->backlog_bytes,
                     "Fill so many bytes of messages while the far agent is down, restart the near "
                     "one, drain (64MB, 5GB ...)")
        ->transform(size_in_bytes())
        ->type_name("BYTES");
    bench
        ->add_option(
            "--beside-large", options->beside_large_bytes,
            "The latency of small messages alone, and while one of so many bytes passes on "
            "the same link (64MB, 1GiB ...)")
        ->transform(size_in_bytes())
        ->type_name("BYTES");
    bench
        ->add_option("--only", options->only,
                     "Only throughput, latency, outage or backlog; may be repeated")
        ->check(one_of({"throughput", "latency", "outage", "backlog"}))
        ->type_name("");
    bench
        ->add_option("--dir", options->folder,
                     "Where the temporary folder goes: the disk to measure")
        ->type_name("DIR")
        ->capture_default_str();
    bench->add_option("--agent", options->agent, "The bus-agent to measure")
        ->check(existing_file())
        ->type_name("FILE");
    bench->add_flag("--json", options->json, "Print JSON");
    bench->callback([&chosen, &interruption, options] {
        chosen = [&interruption, options] { return bench::run_bench(*options, interruption); };
    });
}

}  // namespace bus::cli
