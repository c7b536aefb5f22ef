// bus route: where a message that is published here now would go, and why not
// elsewhere.
#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "diagnosis_text.h"
#include "question.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

struct Options {
    Attachment attachment;
    std::string channel;
    bool queue = false, service = false, as_json = false;
};

int show_route(const Options& o) {
    const auto route = ask_agent(
        o.attachment,
        {{"request", "route"}, {"channel", o.channel}, {"queue", o.queue}, {"service", o.service}});
    std::cout << (o.as_json ? route.dump(2) + "\n" : route_text(route)) << std::flush;
    if (!std::cout) return static_cast<int>(ExitCode::output);
    const bool reaches = route.at("reaches_somebody").get<bool>();
    return static_cast<int>(reaches ? ExitCode::ok : ExitCode::failed);
}

}  // namespace

void add_route(Command& bus, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = bus.add_subcommand(
        "route", "Tell where a message published here would go, and why not elsewhere");
    command
        ->add_option("CHANNEL", options->channel,
                     "A topic; with --queue a queue, with --service a service")
        ->required();
    const Option* const queue = command->add_flag("--queue", options->queue, "CHANNEL is a queue");
    command->add_flag("--service", options->service, "CHANNEL is a service")->excludes(queue);
    command->add_flag("--json", options->as_json, "As JSON");
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return show_route(*options); }; });
}

}  // namespace bus::cli
