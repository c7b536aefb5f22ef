// bus drain: before a host is replaced or upgraded. The agent takes nothing new
// and hands over what it owes; this waits until it has, or tells what is left.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "drain_text.h"
#include "interruption.h"
#include "progress.h"
#include "question.h"
#include "subcommands.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds glance_max = 500ms;
constexpr const char* how_it_ends =
    "The agent takes nothing new until `bus drain --undo` or its next start.\n";

struct Options {
    Attachment attachment;
    std::optional<double> timeout_seconds;
    bool dry_run = false, undo = false, as_json = false;
};

Json ask(const Options& o, bool dry_run, bool undo = false) {
    return ask_agent(o.attachment, {{"request", "drain"}, {"dry_run", dry_run}, {"undo", undo}});
}

bool is_empty(const Json& drain) { return drain.at("rows").empty(); }

int show(const Options& o, const Json& drain, const std::string& words, ExitCode code) {
    std::cout << (o.as_json ? drain.dump(2) + "\n" : words + drain_table(drain)) << std::flush;
    return static_cast<int>(std::cout ? code : ExitCode::output);
}

int show_undone(const Options& o) {
    return show(o, ask(o, false, true), "the agent takes everything again\n", ExitCode::ok);
}

int show_now(const Options& o) {
    const Json drain = ask(o, true);
    return show(o, drain, is_empty(drain) ? "nothing would have to be handed over\n" : "",
                ExitCode::ok);
}

// Until nothing is left, or it has taken too long.
Json wait(const Options& o, const Interruption& interruption) {
    Progress progress;
    Json drain = ask(o, false);
    for (auto glance = 20ms; !is_empty(drain); glance = std::min(2 * glance, glance_max)) {
        if (o.timeout_seconds && progress.seconds() >= *o.timeout_seconds) break;
        progress.update([&] { return drain_progress(drain); });
        if (interruption.comes_within(glance)) {
            progress.clear();
            std::cerr << "bus: interrupted. " << how_it_ends;
            throw Interrupted{};
        }
        drain = ask(o, true);
    }
    return drain;
}

int drain(const Options& o, const Interruption& interruption) {
    if (o.undo) return show_undone(o);
    if (o.dry_run) return show_now(o);
    const Json drain = wait(o, interruption);
    if (is_empty(drain))
        return show(o, drain, fmt::format("drained: nothing is owed to anybody. {}", how_it_ends),
                    ExitCode::ok);
    return show(o, drain, fmt::format("not drained, this is left. {}", how_it_ends),
                ExitCode::failed);
}

}  // namespace

void add_drain(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<Options>();
    Command* command = bus.add_subcommand(
        "drain", "Take nothing new and hand over what is owed, before the host is replaced");
    command
        ->add_option("--timeout", options->timeout_seconds,
                     "Say what is left after so long, and end with 1")
        ->check(number_not_below_zero())
        ->type_name("SECONDS");
    Option* dry_run =
        command->add_flag("--dry-run", options->dry_run, "Only say what would have to go, and how");
    command->add_flag("--undo", options->undo, "Take everything again")->excludes(dry_run);
    command->add_flag("--json", options->as_json, "As JSON");
    options->attachment.add_options(*command);
    command->callback([&chosen, options, &interruption] {
        chosen = [options, &interruption] { return drain(*options, interruption); };
    });
}

}  // namespace bus::cli
