#include "observe/subscription_json.h"

#include "observe/account_json.h"
#include "observe/gaps_json.h"
#include "observe/reply_json.h"

namespace bus::observe {
namespace {

std::string_view word_of(core::Acquaintance::State state) {
    switch (state) {
        case core::Acquaintance::State::known:
            return "known";
        case core::Acquaintance::State::told:
            return "told";
        case core::Acquaintance::State::behind:
            return "behind";
        case core::Acquaintance::State::unreachable:
            return "unreachable";
    }
    return "?";
}

std::string_view state_of(const core::SubscriptionStatus& s) {
    if (s.paused) return "paused";
    return s.consumers > 0 ? "consumed" : "collecting";
}

std::string_view type_of(bool is_group) { return is_group ? "group" : "durable"; }

Json status_json(const core::SubscriptionStatus& s) {
    Json agents = Json::array();
    for (const auto& one : s.agents)
        agents.push_back({{"agent", one.agent}, {"state", word_of(one.state)}, {"via", one.via}});
    return {{"name", s.name},
            {"filter", s.filter},
            {"type", type_of(s.group)},
            {"state", state_of(s)},
            {"configured", s.configured},
            {"consumers", s.consumers},
            {"waiting_messages", s.waiting_messages},
            {"waiting_bytes", s.waiting_bytes},
            {"oldest_millis", s.oldest_millis},
            {"handed_out", s.handed_out},
            {"share_bytes", s.share_bytes},
            {"share_age_millis", s.share_age_millis},
            {"gaps", gaps_json(s.gaps)},
            {"account", account_json(s.account)},
            {"agents", std::move(agents)}};
}

}  // namespace

std::string subscriptions_reply(const AdminAnswer& to,
                                const std::vector<core::SubscriptionStatus>& all) {
    Json reply = reply_head(to, true);
    reply["subscriptions"] = Json::array();
    for (const auto& one : all) reply["subscriptions"].push_back(status_json(one));
    return reply_text(reply);
}

std::string subscription_reply(const AdminAnswer& to, const core::SubscriptionChange& change,
                               bool dry_run) {
    Json reply = reply_head(to, true);
    const bool changed = change.verdict == core::SubscriptionChange::Verdict::done && !dry_run;
    reply[to.request] = {{"name", change.name},
                         {"filter", change.filter},
                         {"type", type_of(change.group)},
                         {"changed", changed},
                         {"consumers", change.consumers},
                         {"messages", change.messages},
                         {"bytes", change.bytes},
                         {"handed_out", change.handed_out},
                         {"change", change.stored_by.value}};
    return reply_text(reply);
}

std::string stored_reply(const AdminAnswer& to, bool stored) {
    Json reply = reply_head(to, true);
    reply[to.request] = stored;
    return reply_text(reply);
}

}  // namespace bus::observe
