// bus reload: lets the agent read its configuration again, or says what that
// would change.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "question.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

std::string text_of(const nlohmann::ordered_json& reload) {
    std::string text;
    for (const auto& line : reload.at("changes")) text += line.get<std::string>() + '\n';
    for (const auto& key : reload.at("restart"))
        text += fmt::format("{}: changed, takes effect at the agent's next start\n",
                            key.get<std::string>());
    return text.empty() ? "nothing has changed\n" : text;
}

int reload(const Attachment& attachment, bool dry_run) {
    const auto reload = ask_agent(attachment, {{"request", "reload"}, {"dry_run", dry_run}});
    std::cout << text_of(reload) << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

}  // namespace

void add_reload(Command& bus, Chosen& chosen) {
    auto attachment = std::make_shared<Attachment>();
    auto dry_run = std::make_shared<bool>(false);
    Command* command = bus.add_subcommand(
        "reload", "Let the agent read its configuration again; says what changes");
    command->add_flag("--dry-run", *dry_run, "Only say what would change");
    attachment->add_options(*command);
    command->callback([&chosen, attachment, dry_run] {
        chosen = [attachment, dry_run] { return reload(*attachment, *dry_run); };
    });
}

}  // namespace bus::cli
