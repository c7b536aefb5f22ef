#include "config_subscription.h"

#include "config_values.h"
#include "wire/name_fault.h"
#include "wire/names.h"

namespace bus {
namespace {

core::SubscriptionSettings read_subscription(const std::string& name, ConfigSection& section) {
    core::SubscriptionSettings wanted{.name = name, .filter = {}, .lapse = {}};
    if (!wire::is_name(name))
        section.complain("", in_quotes(name) +
                                 " is no name of a subscription: letters, digits, _ and - in "
                                 "tokens joined by dots, 255 bytes at most");
    wanted.filter = section.required_text("filter", "the topics it collects");
    if (const auto why = why_no_filter(wanted.filter); !wanted.filter.empty() && !why.empty())
        section.complain("filter", why);
    if (section.has("lapse")) wanted.lapse = read_bound(section, "lapse");
    wanted.group = section.boolean("group", false);
    if (wanted.group && wire::is_name(name) && wire::is_filter(wanted.filter))
        if (const auto fault = wire::group_fault(name, wanted.filter); !fault.empty())
            section.complain("filter", fault);
    if (wanted.group && wire::is_late_joiner(name))
        section.complain("group", "group names that begin with _last. are the agents' own");
    section.finish();
    return wanted;
}

}  // namespace

std::vector<core::SubscriptionSettings> read_subscriptions(ConfigSection& section) {
    std::vector<core::SubscriptionSettings> all;
    section.each_member("subscriptions", [&](const std::string& name, ConfigSection& one) {
        all.push_back(read_subscription(name, one));
    });
    if (all.size() > limits::subscriptions_configured_max)
        section.complain("subscriptions", std::to_string(all.size()) + " are too many: " +
                                              std::to_string(limits::subscriptions_configured_max) +
                                              " at most");
    return all;
}

}  // namespace bus
