// bus why: why nothing comes to a subscription or a queue of this host, and
// what to do about it.
#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "diagnosis_text.h"
#include "paint.h"
#include "question.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

struct Options {
    Attachment attachment;
    std::string what;
    bool as_json = false;
};

int show_why(const Options& o) {
    const auto why = ask_agent(o.attachment, {{"request", "why"}, {"what", o.what}});
    std::cout << (o.as_json ? why.dump(2) + "\n" : why_text(why, wants_colours())) << std::flush;
    if (!std::cout) return static_cast<int>(ExitCode::output);
    const bool problem = why.at("problem").get<bool>();
    return static_cast<int>(problem ? ExitCode::failed : ExitCode::ok);
}

}  // namespace

void add_why(Command& bus, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command =
        bus.add_subcommand("why", "Tell why nothing comes to a subscription of this host");
    command->add_option("WHAT", options->what, "A channel, a filter, or the name of a subscription")
        ->required();
    command->add_flag("--json", options->as_json, "As JSON");
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return show_why(*options); }; });
}

}  // namespace bus::cli
