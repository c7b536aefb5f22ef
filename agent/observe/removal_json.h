// The answer to `bus peer remove` as JSON. The keys are stable.
#pragma once

#include <string>

#include "core/removal.h"
#include "observe/status_json.h"

namespace bus::observe {

struct ToldRemoval {
    const core::Removal& plan;
    bool removed = false;
    bool refused = false;  // something is owed, and it was not said that it may be dead letters
    std::string edited;    // what happened to the configuration; empty: nothing
};

// {...,"ok":true,"remove_peer":{"name":"...","agent":"...","removed":true,"refused":false,
// "stays_known":false,"other_ways":[],"owed":{"messages":N,"bytes":N,"oldest_millis":N},
// "parts":[{"what":"normal lane",...}],"behind":[{"name":"...","other_ways":[],...}],
// "configuration":"..."}}
std::string removal_reply(const AdminAnswer& to, const ToldRemoval& told);

}  // namespace bus::observe
