// bus: the command line of MessageBus. One file per subcommand; here they are
// put together, and here errors end.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <vector>

#include "command.h"
#include "external.h"
#include "failure.h"
#include "interruption.h"
#include "subcommands.h"
#include "usage.h"

namespace bus::cli {
namespace {

constexpr const char* exit_codes =
    "Exit codes:\n"
    "    0  done: every message is safe, or written out and acknowledged\n"
    "    1  something was not done, standard error says what; or route reaches nobody,\n"
    "       or why has found something in the way\n"
    "    2  the command line is wrong\n"
    "    3  no agent answers\n"
    "    4  --timeout ended a consumer before --count was reached, or a request unanswered\n"
    "    5  standard output was closed or could not be written\n"
    "    6  --require-destination: messages had nobody to go to; or nobody serves a request\n"
    "  130  interrupted; standard error says how many messages are safe\n"
    "\n"
    "`bus x` runs the program bus-x where there is one. More: man bus.";

std::vector<std::string> names_of(const CLI::App& bus) {
    std::vector<std::string> names;
    for (const CLI::App* command : bus.get_subcommands({}))
        if (!command->get_group().empty()) names.push_back(command->get_name());
    return names;
}

bool is_known(const CLI::App& bus, const std::string& word) {
    const auto all = bus.get_subcommands({});
    return std::any_of(all.begin(), all.end(),
                       [&](const CLI::App* command) { return command->get_name() == word; });
}

// A word that is no subcommand of ours is another program's, or a mistake.
void try_external(const CLI::App& bus, int argc, char** argv) {
    if (argc < 2 || argv[1][0] == '-' || is_known(bus, argv[1])) return;
    const std::string word = argv[1];
    become_external(word, argv + 1);
    const auto meant = similar(word, names_of(bus));
    throw Failure(ExitCode::usage,
                  fmt::format("no subcommand {0}, and no program bus-{0}; {1}", word,
                              meant ? fmt::format("did you mean {}?", *meant) : "see bus --help"));
}

void describe_subcommands(Command& bus, Chosen& chosen, const Interruption& interruption) {
    add_publish(bus, chosen, interruption);
    add_subscribe(bus, chosen, interruption);
    add_send(bus, chosen, interruption);
    add_receive(bus, chosen, interruption);
    add_subscription(bus, chosen, interruption);
    add_request(bus, chosen, interruption);
    add_serve(bus, chosen, interruption);
    add_status(bus, chosen, interruption);
    add_route(bus, chosen);
    add_why(bus, chosen);
    add_listen(bus, chosen);
    add_peer(bus, chosen, interruption);
    add_ping(bus, chosen, interruption);
    add_drain(bus, chosen, interruption);
    add_dead(bus, chosen, interruption);
    add_tap(bus, chosen, interruption);
    add_reload(bus, chosen);
    add_identity(bus, chosen);
    add_keygen(bus, chosen);
    add_bench(bus, chosen, interruption);
    add_bench_role(bus, chosen);
}

void describe(CLI::App& bus) {
    bus.footer(exit_codes);
    bus.require_subcommand(1);
    bus.set_version_flag("--version", std::string{"bus "} + BUS_VERSION);
    bus.failure_message(
        [](const CLI::App* app, const CLI::Error& error) { return explain(*app, error); });
}

int run(int argc, char** argv) {
    CLI::App bus{"Messages between programs on any hosts, through the agent of this one."};
    describe(bus);
    Chosen chosen;
    Interruption interruption;
    Command command{bus};
    describe_subcommands(command, chosen, interruption);
    try_external(bus, argc, argv);
    interruption.begin();
    try {
        bus.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const bool asked_for = error.get_exit_code() == 0;  // --help, --version
        bus.exit(error);
        return static_cast<int>(asked_for ? ExitCode::ok : ExitCode::usage);
    }
    return chosen();
}

// Called as bus-tap it is `bus tap`. Ends with a nullptr, as argv does.
std::vector<char*> words_of(int argc, char** argv) {
    static char tap[] = "tap";
    std::vector<char*> words(argv, argv + argc);
    if (argc > 0 && std::filesystem::path{argv[0]}.filename() == "bus-tap")
        words.insert(words.begin() + 1, tap);
    words.push_back(nullptr);
    return words;
}

}  // namespace
}  // namespace bus::cli

int main(int argc, char** argv) {
    using bus::cli::ExitCode;
    try {
        auto words = bus::cli::words_of(argc, argv);
        return bus::cli::run(static_cast<int>(words.size()) - 1, words.data());
    } catch (const bus::cli::Interrupted&) {
        return static_cast<int>(ExitCode::interrupted);
    } catch (const bus::cli::Failure& failure) {
        std::cerr << "bus: " << failure.what() << '\n';
        return static_cast<int>(failure.code());
    } catch (const std::exception& error) {
        std::cerr << "bus: " << bus::describe(error) << '\n';
        return static_cast<int>(ExitCode::failed);
    }
}
