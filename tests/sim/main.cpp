// bus-sim: runs simulated clusters from seeds.
//
//   bus-sim --seeds N [--first F] [--keep-going]   many runs
//   bus-sim --seed S [--trace]                     one run, exactly as before
//   bus-sim --mutations [NAME] [--seeds N]         each mutation must be noticed
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "base/mutation.h"
#include "runner.h"

namespace {

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        std::fprintf(stderr, "bus-sim: \"%.*s\" is no number\n", static_cast<int>(text.size()),
                     text.data());
        std::exit(2);
    }
    return value;
}

bool choose_mutation([[maybe_unused]] std::string_view name) {
#ifdef BUS_MUTATIONS
    for (std::size_t index = 0; index < bus::mutation_names.size(); ++index)
        if (bus::mutation_names[index] == name) {
            bus::active_mutation = static_cast<bus::Mutation>(index);
            return true;
        }
#endif
    return false;
}

int usage() {
    std::fputs(
        "usage: bus-sim [--seeds N] [--first F] [--keep-going] | --seed S [--trace] "
        "[--mutate NAME] | --mutations [NAME] [--seeds N]\n",
        stderr);
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t seeds = 100, first = 1, seed = 0;
    bool trace = false, mutations = false, keep_going = false;
    std::string only;
    for (int at = 1; at < argc; ++at) {
        const std::string_view option = argv[at];
        const char* value = at + 1 < argc ? argv[at + 1] : nullptr;
        if (option == "--trace")
            trace = true;
        else if (option == "--keep-going")
            keep_going = true;
        else if (option == "--mutations") {
            mutations = true;
            if (value != nullptr && value[0] != '-') only = argv[++at];
        } else if (value == nullptr)
            return usage();
        else if (option == "--seeds")
            seeds = number(argv[++at]);
        else if (option == "--first")
            first = number(argv[++at]);
        else if (option == "--seed")
            seed = number(argv[++at]);
        else if (option == "--mutate") {
            if (!choose_mutation(argv[++at])) return usage();
        } else
            return usage();
    }
    if (mutations) return bus::sim::run_mutations(only, seeds) == 0 ? 0 : 1;
    if (seed == 0) return bus::sim::run_seeds(first, seeds, keep_going);
    bus::sim::Result result;
    const auto failure = bus::sim::run_seed(seed, trace, false, result);
    if (!failure)
        std::printf("seed %llu holds; trace hash %016llx, %llu steps, %llu messages\n",
                    static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(result.hash),
                    static_cast<unsigned long long>(result.steps),
                    static_cast<unsigned long long>(result.messages));
    return failure ? 1 : 0;
}
