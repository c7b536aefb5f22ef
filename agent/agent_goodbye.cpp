// Saying goodbye, as operators ask for it: to a peer that was taken away, and
// to all before this host is.

#include <fmt/format.h>

#include "agent.h"
#include "agent_arguments.h"
#include "bus/error.h"
#include "config_edit.h"
#include "core/words.h"
#include "observe/drain_json.h"
#include "observe/removal_json.h"

namespace bus {
namespace {

using core::Removal;

// Throws Error where no plan can be made.
void refuse_impossible(const Removal& plan) {
    switch (plan.verdict) {
        case Removal::Verdict::possible:
            return;
        case Removal::Verdict::unknown:
            throw Error{"no agent \"" + plan.name +
                        "\" is known here; `bus status` shows which there are"};
        case Removal::Verdict::ambiguous:
            throw Error{"several agents are named \"" + plan.name +
                        "\"; give the id of the one that is meant, which `bus status --json` "
                        "shows"};
        case Removal::Verdict::reachable:
            throw Error{"\"" + plan.name + "\" is no peer of this agent, and " +
                        core::joined(plan.other_ways) +
                        " leads to it: it would be known again at once. Remove it there first"};
    }
}

}  // namespace

// What is owed without a way to go is shown, and nothing has happened, unless it may be a dead
// letter.
std::string Agent::remove_peer_as_asked(const wire::AdminRequest& request, Time now) {
    auto arguments = arguments_of(request, {"peer", "dead_letter", "dry_run"});
    const bool dead_letter = arguments.flag("dead_letter");
    const Removal plan = exchange_.plan_removal(required(arguments, "peer"), now);
    refuse_impossible(plan);
    const bool refused = plan.needs_dead_letters() && !dead_letter;
    std::string edited;
    const bool does_it = !refused && !arguments.flag("dry_run");
    if (does_it) {
        if (plan.configured) edited = take_out_of_config(plan.name, now);
        exchange_.remove_agent(plan, dead_letter, now);
    }
    return observe::removal_reply(
        answer_to(request),
        {.plan = plan, .removed = does_it, .refused = refused, .edited = edited});
}

// Other changes in the file are not for this moment.
std::string Agent::take_out_of_config(const std::string& name, Time now) {
    if (!changes_between(config_, load_config(file_)).lines.empty())
        throw Error{file_.string() +
                    " has changed since the agent read it; `bus reload` first, then remove the "
                    "peer again"};
    std::string edited = remove_peer_entry(file_, name);
    Config fresh = load_config(file_);
    const ConfigChanges changes = changes_between(config_, fresh);
    apply(std::move(fresh), changes, now);
    return edited;
}

std::string Agent::drain_as_asked(const wire::AdminRequest& request, Time now) {
    const auto arguments = arguments_of(request, {"undo", "dry_run"});
    if (!arguments.flag("dry_run")) exchange_.drain(!arguments.flag("undo"), now);
    return observe::drain_reply(answer_to(request), exchange_.drain_report(now));
}

}  // namespace bus
