// bus-agent: reads its arguments and its configuration, and runs the agent.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "agent.h"
#include "bus/error.h"
#include "config.h"
#include "identity.h"

namespace {

// What --help documents and systemd sees.
constexpr int exit_ok = 0, exit_failed = 1, exit_wrong_input = 2;

struct Arguments {
    std::string config;
    bool check = false, public_key = false;
};

void declare(CLI::App& app, Arguments& arguments) {
    app.add_option("--config,-c", arguments.config, "The configuration file (JSON)")
        ->required()
        ->type_name("FILE");
    app.add_flag("--check", arguments.check, "Read the configuration, say what is wrong, and end");
    app.add_flag("--public-key", arguments.public_key,
                 "Print this agent's public key, making the identity if there is none, and end");
    app.set_version_flag("--version", std::string{"bus-agent "} + BUS_VERSION);
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return std::string{"bus-agent: "} + error.what() + " (see bus-agent --help)\n";
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
    if (arguments.check) return exit_ok;
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
    try {
        return run(arguments, bus::load_config(arguments.config));
    } catch (const bus::Error& error) {
        return complain(exit_wrong_input, error);
    }
}
