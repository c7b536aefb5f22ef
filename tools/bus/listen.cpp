// bus listen: where other agents may dial this host's.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "../../agent/config_edit.h"
#include "attachment.h"
#include "command.h"
#include "question.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
    Attachment attachment;
    std::string address;
};

// An address that the agent cannot have does not stay in its file.
void write(const Options& o, const std::string& file) {
    const std::string before = bus::add_listen(file, o.address);
    try {
        (void)ask_agent(o.attachment, {{"request", "reload"}});
    } catch (const Failure&) {
        restore(file, before);
        throw;
    }
}

int listen(const Options& o) {
    const Json own = ask_agent(o.attachment, {{"request", "identity"}});
    const auto file = own.at("config").get<std::string>();
    write(o, file);
    const Json now = ask_agent(o.attachment, {{"request", "identity"}});
    for (const Json& place : now.at("listening"))
        std::cout << "listening on " << place.get<std::string>() << '\n';
    std::cout << fmt::format("written to {}; only peers can link: `bus identity --join`\n", file)
              << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

}  // namespace

void add_listen(Command& bus, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = bus.add_subcommand(
        "listen", "Let other agents dial this host's, where nobody could before");
    command->add_option("ADDRESS", options->address, "tcp://[::]:7700 is every address of the host")
        ->required();
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return listen(*options); }; });
}

}  // namespace bus::cli
