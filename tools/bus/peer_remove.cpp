// bus peer remove: forgets a peer that was taken away, unless something is owed
// to it; that is shown, and moved to the dead letters if so told.
#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "question.h"
#include "removal_text.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

struct Options {
    Attachment attachment;
    std::string name;
    bool dead_letter = false, dry_run = false, as_json = false;
};

int remove(const Options& o) {
    const auto removal = ask_agent(o.attachment, {{"request", "remove_peer"},
                                                  {"peer", o.name},
                                                  {"dead_letter", o.dead_letter},
                                                  {"dry_run", o.dry_run}});
    const std::string text = removal_text(removal, o.dead_letter);
    std::cout << (o.as_json ? removal.dump(2) + "\n" : text) << std::flush;
    if (!std::cout) return static_cast<int>(ExitCode::output);
    return static_cast<int>(removal.at("refused") ? ExitCode::failed : ExitCode::ok);
}

}  // namespace

void add_peer_remove(Command& peer, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = peer.add_subcommand(
        "remove", "Forget a peer that is gone for good, unless something is owed to it");
    command->add_option("NAME", options->name, "The agent, by its name or its id")->required();
    command->add_flag("--dead-letter", options->dead_letter,
                      "What is owed to it goes to the dead letters");
    command->add_flag("--dry-run", options->dry_run, "Only say what would happen");
    command->add_flag("--json", options->as_json, "As JSON");
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return remove(*options); }; });
}

}  // namespace bus::cli
