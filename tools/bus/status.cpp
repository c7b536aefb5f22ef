// bus status: what the agent says of itself, its links and what it owes.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "paint.h"
#include "question.h"
#include "status_text.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

int show_status(const Attachment& attachment, bool as_json) {
    const auto status = ask_agent(attachment, {{"request", "status"}});
    std::cout << (as_json ? status.dump(2) + "\n" : status_text(status, wants_colours()))
              << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

}  // namespace

void add_status(CLI::App& bus, Chosen& chosen) {
    auto attachment = std::make_shared<Attachment>();
    auto as_json = std::make_shared<bool>(false);
    CLI::App* command = bus.add_subcommand("status", "Show the agent, its links and what waits");
    command->add_flag("--json", *as_json, "As JSON, with every figure the agent has");
    attachment->add_options(*command);
    command->callback([&chosen, attachment, as_json] {
        chosen = [attachment, as_json] { return show_status(*attachment, *as_json); };
    });
}

}  // namespace bus::cli
