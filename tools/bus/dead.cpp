// bus dead: the messages that could not be delivered. To list and show them;
// retrying and purging them is in dead_change.cpp.
#include "dead.h"

#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "command.h"
#include "dead_text.h"
#include "figures.h"
#include "paint.h"
#include "question.h"
#include "status_figures.h"

namespace bus::cli {
namespace {

struct Options {
    Attachment attachment;
    DeadFilter filter;
    std::uint64_t limit = 100;
    bool totals = false, as_json = false;
    std::string id;
};

// Page by page, until there are no more or they are enough.
Json list_of(const Options& o) {
    Json request{{"request", "dead_list"}, {"limit", o.limit}, {"totals", o.totals}};
    o.filter.add_to(request);
    Json list = ask_agent(o.attachment, request);
    while (!list.at("last").get<bool>() && !o.totals && list.at("letters").size() < o.limit &&
           !list.at("letters").empty()) {
        request["after"] = list.at("letters").back().at("id");
        request["limit"] = o.limit - list.at("letters").size();
        const Json more = ask_agent(o.attachment, request);
        for (const Json& letter : more.at("letters")) list["letters"].push_back(letter);
        list["last"] = more.at("last");
        if (more.at("letters").empty()) break;
    }
    return list;
}

std::string list_text(const Options& o, const Json& list) {
    const Json& shown = list.at(o.totals ? "totals" : "letters");
    if (shown.empty())
        return o.filter.is_empty() ? "there are no dead letters\n"
                                   : "no dead letter is like that\n";
    if (o.totals) return dead_totals_table(shown);
    std::string text = dead_letters_table(shown);
    if (!list.at("last").get<bool>())
        text += fmt::format("the oldest {}; there are more: --limit N, or --totals\n",
                            grouped(shown.size()));
    return text;
}

int show_list(const Options& o) {
    const Json list = list_of(o);
    std::cout << (o.as_json ? list.dump(2) + "\n" : list_text(o, list)) << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

int show_one(const Options& o) {
    const Json letter =
        ask_agent(o.attachment, {{"request", "dead_show"}, {"letter", std::stoull(o.id)}});
    std::cout << (o.as_json ? letter.dump(2) + "\n"
                            : dead_letter_text(letter, Paint{wants_colours()}))
              << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

void add_list(Command& dead, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = dead.add_subcommand("list", "List them, the oldest first");
    options->filter.add_options(*command);
    command->add_option("--limit", options->limit, "So many at most")
        ->check(whole_number_above_zero())
        ->type_name("N")
        ->capture_default_str();
    command->add_flag("--totals", options->totals,
                      "Only how many there are, by channel, destination and reason");
    command->add_flag("--json", options->as_json, "As JSON");
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return show_list(*options); }; });
}

void add_show(Command& dead, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = dead.add_subcommand("show", "Show one with its payload and headers");
    command->add_option("ID", options->id, "As `bus dead list` shows it")
        ->required()
        ->check(whole_number_above_zero());
    command->add_flag("--json", options->as_json, "As JSON");
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return show_one(*options); }; });
}

}  // namespace

// ---- Which of them -----------------------------------------------------------------------------

void DeadFilter::add_options(Command& command) {
    command.add_option("--channel", channel, "Those on channels of this FILTER")
        ->type_name("FILTER");
    command.add_flag("--queue", queue, "Of queues, not of topics");
    command.add_option("--reason", reason, "Those with this WORD in their reason")
        ->type_name("WORD");
}

void DeadFilter::add_to(Json& request) const {
    if (!channel.empty()) request["channel"] = channel;
    if (queue) request["kind"] = "queue";
    if (!reason.empty()) request["reason"] = reason;
}

void add_dead(Command& bus, Chosen& chosen, const Interruption& interruption) {
    Command* dead = bus.add_subcommand(
        "dead", "List the messages that could not be delivered, show, retry or purge them");
    dead->require_subcommand();
    add_list(*dead, chosen);
    add_show(*dead, chosen);
    add_dead_retry(*dead, chosen, interruption);
    add_dead_purge(*dead, chosen, interruption);
}

}  // namespace bus::cli
