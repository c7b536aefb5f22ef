#include "observe/removal_json.h"

#include "observe/reply_json.h"

namespace bus::observe {
namespace {

Json owed_json(const core::Removal::Owed& owed) {
    return {
        {"messages", owed.messages}, {"bytes", owed.bytes}, {"oldest_millis", owed.oldest_millis}};
}

}  // namespace

std::string removal_reply(const AdminAnswer& to, const ToldRemoval& told) {
    const core::Removal& plan = told.plan;
    Json parts = Json::array(), behind = Json::array();
    for (const auto& part : plan.parts)
        parts.push_back({{"what", part.what}, {"owed", owed_json(part.owed)}});
    for (const auto& agent : plan.behind)
        behind.push_back({{"name", agent.name},
                          {"other_ways", agent.other_ways},
                          {"owed", owed_json(agent.owed)}});
    Json reply = reply_head(to, true);
    reply[to.request] = {{"name", plan.name},
                         {"agent", plan.agent.is_zero() ? Json() : Json(to_text(plan.agent))},
                         {"is_peer", plan.is_peer},
                         {"configured", plan.configured},
                         {"removed", told.removed},
                         {"refused", told.refused},
                         {"stays_known", plan.stays_known()},
                         {"other_ways", plan.other_ways},
                         {"owed", owed_json(plan.owed)},
                         {"parts", std::move(parts)},
                         {"behind", std::move(behind)},
                         {"configuration", told.edited}};
    return reply_text(reply);
}

}  // namespace bus::observe
