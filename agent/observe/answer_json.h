// What other agents answer to questions over the links, as JSON. The keys are
// stable: they may grow in number, but do not change.
#pragma once

#include <string>

#include "core/questions.h"
#include "observe/status_json.h"

namespace bus::observe {

// {...,"ok":true,"ask":{"question":N}}: it has left.
std::string ask_reply(const AdminAnswer& to, std::uint64_t question);
// {...,"ok":true,"answer":{"question":N,"outcome":"waiting","target":"...","agent":null,"name":"",
// "rtt_micros":0,"words":"","summary":null}}
std::string answer_reply(const AdminAnswer& to, const core::Question& question);

}  // namespace bus::observe
