// bus subscription add|list|pause|resume|purge|remove: the durable
// subscriptions and the groups of this host, whether or not a program reads them. A change is
// on disk when the command ends.
#include <iostream>
#include <nlohmann/json.hpp>

#include "attachment.h"
#include "command.h"
#include "interruption.h"
#include "question.h"
#include "subcommands.h"
#include "subscription_text.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds glance_min = 2ms, glance_max = 200ms;

struct Options {
    Attachment attachment;
    std::string name, group, filter;
    double timeout_seconds = 5;
    bool dry_run = false, as_json = false;
    const std::string& title() const { return group.empty() ? name : group; }
};

int print(const Options& o, const Json& json, const std::string& text) {
    std::cout << (o.as_json ? json.dump(2) + "\n" : text) << std::flush;
    return static_cast<int>(std::cout ? ExitCode::ok : ExitCode::output);
}

// Until it holds, or --timeout is over; whether it does.
template <class Condition>
bool wait_until(const Options& o, const Interruption& interruption, Condition holds) {
    const auto begin = Clock::now();
    for (auto glance = glance_min; !holds(); glance = std::min(2 * glance, glance_max)) {
        const std::chrono::duration<double> waited = Clock::now() - begin;
        if (waited.count() >= o.timeout_seconds) return false;
        if (interruption.comes_within(glance)) throw Interrupted{};
    }
    return true;
}

void wait_until_stored(const Options& o, const Json& change, const Interruption& interruption) {
    const bool stored = wait_until(o, interruption, [&] {
        return ask_agent(o.attachment, {{"request", "stored"}, {"change", change.at("change")}})
            .get<bool>();
    });
    if (!stored)
        throw Failure(ExitCode::failed,
                      "the agent has done it, and could not write it to its journal yet: a crash "
                      "would undo it. `bus status` says what the journal lacks");
}

Json order(const Options& o, const std::string& what, const Interruption& interruption) {
    Json request{
        {"request", "subscription"}, {"do", what}, {"name", o.title()}, {"dry_run", o.dry_run}};
    if (what == "add") request.update({{"filter", o.filter}, {"group", !o.group.empty()}});
    Json change = ask_agent(o.attachment, request);
    if (!o.dry_run) wait_until_stored(o, change, interruption);
    change.erase("change");
    return change;
}

Json list_of(const Options& o) { return ask_agent(o.attachment, {{"request", "subscriptions"}}); }

Json agents_of(const Options& o) {
    for (const Json& one : list_of(o))
        if (one.at("name") == o.title()) return one.at("agents");
    return Json::array();  // ended meanwhile
}

int list(const Options& o) {
    const Json all = list_of(o);
    return print(o, all, subscriptions_text(all));
}

// With what the other agents know of it: a moment later those that are linked have confirmed.
int add(const Options& o, const Interruption& interruption) {
    if (o.title().empty())
        throw Failure(ExitCode::usage, "its name is missing: --durable NAME, or --group NAME");
    Json change = order(o, "add", interruption);
    (void)wait_until(o, interruption, [&] {
        change["agents"] = agents_of(o);
        return std::none_of(change["agents"].begin(), change["agents"].end(),
                            [](const Json& agent) { return agent.at("state") == "told"; });
    });
    return print(o, change, change_text("add", change, false) + agents_text_of(change));
}

int carry_out(const Options& o, const std::string& what, const Interruption& interruption) {
    const Json change = order(o, what, interruption);
    return print(o, change, change_text(what, change, o.dry_run));
}

void add_common(Command& command, Options& options, const char* of_timeout) {
    command.add_option("--timeout", options.timeout_seconds, of_timeout)
        ->check(number_not_below_zero())
        ->type_name("SECONDS")
        ->capture_default_str();
    command.add_flag("--json", options.as_json, "As JSON");
    options.attachment.add_options(command);
}

void add_add(Command& subscription, Chosen& chosen, const Interruption& interruption) {
    auto options = std::make_shared<Options>();
    Command* command = subscription.add_subcommand(
        "add", "Let one collect from now on, before its program comes for the first time");
    command
        ->add_option("FILTER", options->filter,
                     "A topic; * stands for one of its tokens, a last ** for the rest")
        ->required();
    const Option* const durable =
        command
            ->add_option("--durable", options->name,
                         "Its name; this host has a copy of its own of each message")
            ->type_name("NAME");
    command
        ->add_option("--group", options->group,
                     "Instead, the name of a group: its consumers on any host share one copy")
        ->type_name("NAME")
        ->excludes(durable);
    add_common(*command, *options,
               "How long to wait until the agents within reach have confirmed that they know it");
    command->callback([&chosen, &interruption, options] {
        chosen = [&interruption, options] { return add(*options, interruption); };
    });
}

void add_list(Command& subscription, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    Command* command = subscription.add_subcommand("list", "What there is, and what waits there");
    command->add_flag("--json", options->as_json, "As JSON, with every figure");
    options->attachment.add_options(*command);
    command->callback([&chosen, options] { chosen = [options] { return list(*options); }; });
}

void add_order(Command& subscription, Chosen& chosen, const Interruption& interruption,
               const std::string& what, const std::string& description, bool drops) {
    auto options = std::make_shared<Options>();
    Command* command = subscription.add_subcommand(what, description);
    command->add_option("NAME", options->name, "The durable subscription, or the group")
        ->required();
    if (drops)
        command->add_flag("--dry-run", options->dry_run, "Only say how much would be dropped");
    add_common(*command, *options, "How long to wait until it is on disk");
    command->callback([&chosen, &interruption, options, what] {
        chosen = [&interruption, options, what] { return carry_out(*options, what, interruption); };
    });
}

}  // namespace

void add_subscription(Command& bus, Chosen& chosen, const Interruption& interruption) {
    Command* subscription = bus.add_subcommand(
        "subscription",
        "Declare, list, pause, resume, purge or remove durable subscriptions and groups");
    subscription->require_subcommand();
    add_add(*subscription, chosen, interruption);
    add_list(*subscription, chosen);
    add_order(*subscription, chosen, interruption, "pause",
              "It goes on collecting, and hands out nothing, also after a restart", false);
    add_order(*subscription, chosen, interruption, "resume", "It hands out again", false);
    add_order(*subscription, chosen, interruption, "purge",
              "Drop what it has; it goes on, and its consumers stay", true);
    add_order(*subscription, chosen, interruption, "remove",
              "End it for good, with what it has; its consumers are told", true);
}

}  // namespace bus::cli
