// The account of one destination (G5) as JSON.
#pragma once

#include "core/journal.h"
#include "observe/reply_json.h"

namespace bus::observe {

inline Json account_json(const core::Account& a) {
    return {{"destination", a.destination.value},
            {"recovered", a.recovered},
            {"taken", a.taken},
            {"settled", a.settled},
            {"filtered", a.filtered},
            {"expired", a.expired},
            {"lapsed", a.lapsed},
            {"dead_lettered", a.dead_lettered},
            {"purged", a.purged},
            {"moved", a.moved},
            {"waiting", a.waiting},
            {"balances", a.balances()}};
}

}  // namespace bus::observe
