// Durable subscriptions and groups, as operators declare, pause, purge and end them.

#include <algorithm>
#include <array>

#include "agent.h"
#include "agent_arguments.h"
#include "bus/error.h"
#include "config_values.h"
#include "observe/subscription_json.h"
#include "wire/name_fault.h"

namespace bus {
namespace {

using core::SubscriptionChange;
using core::SubscriptionOrder;

constexpr std::array<std::pair<std::string_view, SubscriptionOrder::What>, 5> words{{
    {"add", SubscriptionOrder::What::add},
    {"pause", SubscriptionOrder::What::pause},
    {"resume", SubscriptionOrder::What::resume},
    {"purge", SubscriptionOrder::What::purge},
    {"remove", SubscriptionOrder::What::remove},
}};

// Throws Error.
SubscriptionOrder order_of(const wire::AdminRequest& request) {
    auto arguments = arguments_of(request, {"do", "name", "filter", "group", "dry_run"});
    const std::string word = required(arguments, "do");
    const auto* const known = std::ranges::find(
        words, word, &std::pair<std::string_view, SubscriptionOrder::What>::first);
    if (known == words.end())
        throw Error{"\"do\" is \"add\", \"pause\", \"resume\", \"purge\" or \"remove\""};
    SubscriptionOrder order{.what = known->second,
                            .name = required(arguments, "name"),
                            .filter = {},
                            .dry_run = arguments.flag("dry_run")};
    if (!wire::is_name(order.name))
        throw Error{"\"" + order.name + "\" is no subscription name: tokens of A-Z a-z 0-9 _ -"};
    if (order.what != SubscriptionOrder::What::add) return order;
    order.filter = required(arguments, "filter");
    order.group = arguments.flag("group");
    if (const auto why = why_no_filter(order.filter); !why.empty()) throw Error{why};
    if (order.group && wire::is_late_joiner(order.name))
        throw Error{"group names that begin with _last. are the agents' own"};
    if (order.group)
        if (const auto fault = wire::group_fault(order.name, order.filter); !fault.empty())
            throw Error{fault};
    return order;
}

// Throws Error where nothing can be done.
void refuse_impossible(const SubscriptionChange& change) {
    using Verdict = SubscriptionChange::Verdict;
    switch (change.verdict) {
        case Verdict::done:
        case Verdict::as_it_was:
            return;
        case Verdict::unknown:
            throw Error{"there is no durable subscription and no group \"" + change.name +
                        "\" of this host; `bus subscription list` shows those that there are"};
        case Verdict::other_filter:
            throw Error{(change.group ? "the group \"" : "the durable subscription \"") +
                        change.name + "\" stands with another filter, " + change.filter +
                        "; `bus subscription remove` ends it, with what it has"};
        case Verdict::other_type:
            throw Error{"\"" + change.name + "\" is the name of a " +
                        (change.group ? "group" : "durable subscription") +
                        " of this host (`bus subscription list`)"};
        case Verdict::configured:
            throw Error{"the configuration declares \"" + change.name +
                        "\": it would be back at the next start. Take it out there and `bus "
                        "reload` first"};
        case Verdict::too_many:
            throw Error{"this agent has too many subscriptions (limits::subscriptions_max)"};
    }
}

}  // namespace

std::string Agent::tell_subscriptions(const wire::AdminRequest& request, Time now) {
    (void)arguments_of(request, {});
    return observe::subscriptions_reply(answer_to(request), exchange_.subscriptions(now));
}

std::string Agent::change_subscription_as_asked(const wire::AdminRequest& request, Time now) {
    const SubscriptionOrder order = order_of(request);
    const SubscriptionChange change = exchange_.change_subscription(order, now);
    refuse_impossible(change);
    return observe::subscription_reply(answer_to(request), change, order.dry_run);
}

// Of a change that was answered before it was on disk.
std::string Agent::tell_stored(const wire::AdminRequest& request, Time) {
    const auto numbers = arguments_of(request, {"change"}).numbers;
    const auto change = numbers.find("change");
    if (change == numbers.end()) throw Error{"\"change\" is missing"};
    return observe::stored_reply(answer_to(request),
                                 exchange_.is_stored(core::Submission{change->second}));
}

}  // namespace bus
