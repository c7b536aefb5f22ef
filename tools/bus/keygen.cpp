// bus keygen FILE: a new identity for an agent, before it first starts.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "../../agent/identity.h"
#include "command.h"
#include "failure.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

int make_key(const std::string& file) {
    if (std::filesystem::exists(std::filesystem::symlink_status(file)))
        throw Failure(ExitCode::failed, fmt::format("{} exists and is never overwritten: an agent "
                                                    "is known by it; name another file",
                                                    file));
    const Identity identity = load_or_create_identity(file);
    std::cout << fmt::format(
                     "{}: keep it secret; its public key, for the peers of this agent: {}\n", file,
                     identity.public_key)
              << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

}  // namespace

void add_keygen(Command& bus, Chosen& chosen) {
    auto file = std::make_shared<std::string>();
    Command* command = bus.add_subcommand(
        "keygen", "Make an agent's identity; the last word printed is its public key");
    command->add_option("FILE", *file, "Where to; readable by its owner only, never overwritten")
        ->required();
    command->callback([&chosen, file] { chosen = [file] { return make_key(*file); }; });
}

}  // namespace bus::cli
