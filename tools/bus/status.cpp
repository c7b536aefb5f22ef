// bus status: what the agent says of itself, its links and what it owes; with
// --all, how every other agent is that it knows.
#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "far_question.h"
#include "paint.h"
#include "question.h"
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
    options->attachment.add_options(*command);
    command->callback([&chosen, options, &interruption] {
        chosen = [options, &interruption] { return show_status(*options, interruption); };
    });
}

}  // namespace bus::cli
