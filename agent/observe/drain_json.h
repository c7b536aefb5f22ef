// The answer to `bus drain` as JSON. The keys are stable, the sentences are for
// people and may change.
#pragma once

#include <string>

#include "core/drain.h"
#include "observe/status_json.h"

namespace bus::observe {

// {...,"ok":true,"drain":{"draining":true,"messages":N,"bytes":N,"oldest_millis":N,
// "bytes_per_second":N,"rows":[{"to":"agent tokyo","messages":N,...,"moves":false,
// "words":"..."}]}}
std::string drain_reply(const AdminAnswer& to, const core::DrainReport& report);

}  // namespace bus::observe
