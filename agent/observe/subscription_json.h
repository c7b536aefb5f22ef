// The answers to `bus subscription` as JSON. The keys are stable.
#pragma once

#include <string>
#include <vector>

#include "core/subscriptions.h"
#include "observe/status_json.h"

namespace bus::observe {

// {...,"ok":true,"subscriptions":[{"name":"...","filter":"...","type":"durable","state":"...",
// "configured":false,"consumers":N,"waiting_messages":N,"waiting_bytes":N,"oldest_millis":N,
// "handed_out":N,"share_bytes":N,"share_age_millis":N,"gaps":{...},"account":{...},"agents":[{"agent":"...","state":"known","via":""}]}]}
std::string subscriptions_reply(const AdminAnswer& to,
                                const std::vector<core::SubscriptionStatus>& all);

// {...,"ok":true,"subscription":{"name":"...","filter":"...","type":"durable","changed":true,
// "consumers":N,"messages":N,"bytes":N,"handed_out":N,"change":N}}. `change`: for stored_reply; 0:
// there is nothing to be stored.
std::string subscription_reply(const AdminAnswer& to, const core::SubscriptionChange& change,
                               bool dry_run);

// {...,"ok":true,"stored":true}
std::string stored_reply(const AdminAnswer& to, bool stored);

}  // namespace bus::observe
