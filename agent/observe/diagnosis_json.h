// The answers to `bus route` and `bus why` as JSON. The keys are stable, the
// sentences are for people and may change.
#pragma once

#include <string>

#include "core/diagnosis.h"
#include "observe/status_json.h"

namespace bus::observe {

// {...,"ok":true,"route":{"kind":"topic","channel":"...","reaches_somebody":true,"here":[...],
// "there":[...],"not_interested":N,"notes":["..."]}}
std::string route_reply(const AdminAnswer& to, const core::RouteDiagnosis& route);
// {...,"ok":true,"why":{"what":"...","problem":true,"findings":[{"weight":"problem","about":"...",
// "words":"..."}]}}
std::string why_reply(const AdminAnswer& to, const core::WhyDiagnosis& why);
std::string rejoin_reply(const AdminAnswer& to, const std::string& peer);

}  // namespace bus::observe
