// bus status: what the agent says of itself, its links and what it owes; with
// --all, how every other agent is that it knows.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "far_question.h"
#include "interruption.h"
#include "output.h"
#include "paint.h"
#include "question.h"
#include "screen.h"
#include "status_text.h"
#include "subcommands.h"
#include "survey.h"
#include "survey_text.h"

namespace bus::cli {
namespace {

struct Options {
    Attachment attachment;
    bool all = false;
    bool as_json = false;
    double timeout_seconds = 5;
    bool watches = false;
    double interval_seconds = 1;
};

int print(const std::string& text) {
    std::cout << text << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

int show_all(const Options& o, const nlohmann::ordered_json& status,
             const Interruption& interruption) {
    const auto patience =
        std::chrono::milliseconds{static_cast<std::int64_t>(o.timeout_seconds * 1000)};
    const auto all = survey(status, FarQuestions{o.attachment, interruption, patience});
    return print(o.as_json ? all.dump(2) + "\n" : survey_text(all, patience));
}

int show_status(const Options& o, const Interruption& interruption) {
    const auto status = ask_agent(o.attachment, {{"request", "status"}});
    if (o.all) return show_all(o, status, interruption);
    return print(o.as_json ? status.dump(2) + "\n" : status_text(status, wants_colours()));
}

// What is shown of it now; where no agent answers, that.
std::string glance(const Options& o) try {
    Attachment attachment = o.attachment;
    attachment.connect_seconds = std::min(attachment.connect_seconds, 1.0);  // Ctrl-C waits for it
    const auto status = ask_agent(attachment, {{"request", "status"}});
    return o.as_json ? status.dump() : status_text(status, wants_colours());
} catch (const Failure& failure) {
    if (failure.code() != ExitCode::no_agent) throw;
    return o.as_json ? "null" : std::string{failure.what()} + "\n";
}

// Until it is interrupted, which is no mistake.
int watch_status(const Options& o, const Interruption& interruption) {
    const std::chrono::milliseconds interval{static_cast<std::int64_t>(o.interval_seconds * 1000)};
    if (terminal_rows() > 0 && !o.as_json) write_out("\033[2J");
    do write_out(o.as_json ? glance(o) + "\n" : screenful(glance(o), terminal_rows()));
    while (!interruption.comes_within(interval));
    return static_cast<int>(ExitCode::ok);
}

}  // namespace

void add_status(Command& bus, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<Options>();
    Command* command = bus.add_subcommand("status", "Show the agent, its links and what waits");
    Option* all = command->add_flag("--all", options->all,
                                    "Ask the other agents too, and show each in a line");
    command->add_flag("--json", options->as_json, "As JSON, with every figure the agent has");
    command
        ->add_option("--timeout", options->timeout_seconds,
                     "How long to wait for another agent's answer")
        ->check(number_not_below_zero())
        ->type_name("SECONDS")
        ->needs(all)
        ->capture_default_str();
    Option* watch = command
                        ->add_flag("--watch", options->watches,
                                   "Show it again and again, until interrupted; with --json one "
                                   "object a line")
                        ->excludes(all);
    command->add_option("--interval", options->interval_seconds, "How often --watch shows it")
        ->check(number_within(0.1, 3600.0))
        ->type_name("SECONDS")
        ->needs(watch)
        ->capture_default_str();
    options->attachment.add_options(*command);
    command->callback([&chosen, options, &interruption] {
        chosen = [options, &interruption] {
            return options->watches ? watch_status(*options, interruption)
                                    : show_status(*options, interruption);
        };
    });
}

}  // namespace bus::cli
