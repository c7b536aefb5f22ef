#include "runner.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/mutation.h"

namespace bus::sim {

namespace {

const Cluster* running = nullptr;
std::uint64_t running_seed = 0;

void print_trace(const Cluster& cluster) {
    for (const auto& line : cluster.trace().last()) std::puts(line.c_str());
}

// An assertion of the core or of the session has failed: the seed must not be lost with the
// process.
extern "C" void on_abort(int) {
    if (running != nullptr) {
        print_trace(*running);
        fmt::print("seed {} ({}): an assertion failed\n", running_seed,
                   to_text(running->plan().character));
    }
    std::fflush(stdout);
    std::_Exit(3);
}

}  // namespace

std::optional<Failure> run_seed(std::uint64_t seed, bool print, bool quiet, Result& result) {
    Cluster cluster{seed, print};
    running = quiet ? nullptr : &cluster;
    running_seed = seed;
    std::optional<Failure> failure;
    try {
        result = cluster.run();
    } catch (const Broken& broken) {
        failure = Failure{seed, broken.invariant, broken.what()};
        if (!quiet) {
            if (!print) print_trace(cluster);
            fmt::print("seed {} ({}) breaks \"{}\": {}\n", seed, to_text(cluster.plan().character),
                       broken.invariant, broken.what());
        }
    }
    running = nullptr;
    return failure;
}

int run_seeds(std::uint64_t first, std::uint64_t count, bool keep_going) {
    std::signal(SIGABRT, on_abort);
    const auto began = std::chrono::steady_clock::now();
    std::uint64_t runs = 0, failures = 0, messages = 0, steps = 0;
    double days = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        Result result;
        ++runs;
        if (run_seed(seed, false, false, result)) {
            ++failures;
            fmt::print("replay: bus-sim --seed {} --trace\n", seed);
            if (!keep_going) break;
        }
        messages += result.messages;
        steps += result.steps;
        days += std::chrono::duration<double>(result.simulated).count() / 86'400;
        std::fflush(stdout);
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    fmt::print(
        "{} seeds from {}, {} failed; {:.0f} seeds per minute, {:.1f} simulated days, "
        "{} messages, {} steps\n",
        runs, first, failures, double(runs) / seconds * 60, days, messages, steps);
    return failures == 0 ? 0 : 1;
}

#ifdef BUS_MUTATIONS

namespace {

// What a process of its own made of seeds: a mutation may as well trip an assertion.
struct Verdict {
    bool held = true;
    std::uint64_t seed = 0;  // the last that was begun
    std::string how;
};

[[noreturn]] void run_quietly(int out, Mutation mutation, std::uint64_t first,
                              std::uint64_t count) {
    if (!std::freopen("/dev/null", "w", stderr)) std::_Exit(4);
    active_mutation = mutation;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        dprintf(out, "%llu\n", static_cast<unsigned long long>(seed));
        Result result;
        if (const auto failure = run_seed(seed, false, true, result)) {
            dprintf(out, "%s\n", failure->invariant.c_str());
            std::_Exit(1);
        }
    }
    std::_Exit(0);
}

Verdict run_apart(Mutation mutation, std::uint64_t first, std::uint64_t count) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) run_quietly(ends[1], mutation, first, count);
    close(ends[1]);
    Verdict verdict{.held = true, .seed = first, .how = "an assertion"};
    FILE* const in = fdopen(ends[0], "r");
    char line[256];
    while (std::fgets(line, sizeof line, in) != nullptr) {
        if (const auto number = std::strtoull(line, nullptr, 10); number > 0)
            verdict.seed = number;
        else
            verdict.how.assign(line, std::string_view(line).find('\n'));
    }
    std::fclose(in);
    int status = 0;
    waitpid(child, &status, 0);
    verdict.held = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return verdict;
}

// The first seed that holds without the mutation and does not with it; nullopt: none does.
std::optional<Verdict> find_witness(Mutation mutation, std::uint64_t seeds) {
    for (std::uint64_t first = 1; first <= seeds;) {
        const Verdict verdict = run_apart(mutation, first, seeds - first + 1);
        if (verdict.held) return std::nullopt;
        if (run_apart(Mutation::count_, verdict.seed, 1).held) return verdict;
        first = verdict.seed + 1;
    }
    return std::nullopt;
}

}  // namespace

int run_mutations(const std::string& only, std::uint64_t seeds) {
    int uncaught = 0;
    for (std::size_t index = 0; index < mutation_names.size(); ++index) {
        const std::string name{mutation_names[index]};
        if (!only.empty() && only != name) continue;
        const auto witness = find_witness(static_cast<Mutation>(index), seeds);
        if (witness)
            fmt::print("{:30} caught by seed {:>4}: {}\n", name, witness->seed, witness->how);
        else
            fmt::print("{:30} NOT CAUGHT by {} seeds\n", name, seeds);
        std::fflush(stdout);
        uncaught += !witness;
    }
    return uncaught;
}

#else

int run_mutations(const std::string&, std::uint64_t) {
    fmt::print("this build has no mutations\n");
    return 1;
}

#endif

}  // namespace bus::sim
