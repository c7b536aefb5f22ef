// bus-agent: reads its arguments and its configuration, and runs the agent.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "agent.h"
#include "base/suggestion.h"
#include "bus/error.h"
#include "check.h"
#include "config.h"
#include "identity.h"

namespace {

// What --help documents and systemd sees.
constexpr int exit_ok = 0, exit_failed = 1, exit_wrong_input = 2;

struct Arguments {
    std::string config;
    bool check = false, public_key = false;
};

// A misspelt option is the mistake to name, not what is missing because of it.
std::string explain(const CLI::App& app, const CLI::Error& error) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    const std::vector<std::string_view> options{names.begin(), names.end()};
    for (const std::string& word : app.remaining())
        if (word.starts_with('-'))
            return "there is no option " + word + bus::did_you_mean(word, options);
        else
            return "\"" + word + "\" is one word too many";
    return error.what();
}

void declare(CLI::App& app, Arguments& arguments) {
    app.add_option("--config,-c", arguments.config, "The configuration file (JSON)")
        ->required()
        ->type_name("FILE");
    app.add_flag("--check", arguments.check,
                 "Read the configuration and the identity, say what is wrong or what there is, and "
                 "end; nothing is made");
    app.add_flag("--public-key", arguments.public_key,
                 "Print this agent's public key, making the identity if there is none, and end");
    app.set_version_flag("--version", std::string{"bus-agent "} + BUS_VERSION);
    app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
        return "bus-agent: " + explain(*failed, error) + " (see bus-agent --help)\n";
    });
    app.footer(
        "Runs in the foreground until SIGTERM or SIGINT; SIGHUP reads apps and peers again.\n"
        "Exit status: 0 stopped as told, 1 cannot start or go on, 2 wrong arguments or "
        "configuration.");
}

int complain(int status, const std::exception& error) {
    std::fprintf(stderr, "bus-agent: %s\n", error.what());
    return status;
}

int run(const Arguments& arguments, bus::Config config) try {
    if (arguments.public_key) {
        const auto identity = bus::load_or_create_identity(config.identity);
        std::printf("%s\n", identity.public_key.c_str());
        return exit_ok;
    }
    bus::Agent agent{std::move(config), arguments.config};
    agent.run();
    return exit_ok;
} catch (const bus::Error& error) {
    return complain(exit_failed, error);
}

int check(const std::string& file) {
    const bus::Checked checked = bus::check(file);
    for (const auto& line : checked.mistakes) std::fprintf(stderr, "bus-agent: %s\n", line.c_str());
    for (const auto& line : checked.summary) std::printf("%s\n", line.c_str());
    return checked.mistakes.empty() ? exit_ok : exit_wrong_input;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"The MessageBus agent of this host"};
    Arguments arguments;
    declare(app, arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& end) {
        return app.exit(end) == 0 ? exit_ok : exit_wrong_input;
    }
    if (arguments.check) return check(arguments.config);
    try {
        return run(arguments, bus::load_config(arguments.config));
    } catch (const bus::Error& error) {
        return complain(exit_wrong_input, error);
    }
}
