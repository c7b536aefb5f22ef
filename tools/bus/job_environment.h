// What a command started for a message finds in its environment.
#pragma once

#include <bus/subscription.h>

#include <string>
#include <string_view>
#include <vector>

namespace bus::cli {

// "NAME=value" each: our own environment without what an outer job left there, then BUS_CHANNEL,
// BUS_ID, BUS_ATTEMPT, BUS_REDELIVERED and BUS_RETAINED (0 or 1), BUS_PRIORITY, and where the
// message has them BUS_KEY, BUS_REPLY_TO and BUS_HEADER_<NAME> for each header: in capitals, with _
// for what is no letter or digit. A value with a zero byte is left out: no variable can hold one.
// `runtime`, if not empty, becomes BUS_RUNTIME, so that the command finds the same agent.
std::vector<std::string> job_environment(const Delivery& delivery, std::string_view runtime);

// BUS_HEADER_CONTENT_TYPE of "content-type".
std::string variable_of_header(std::string_view key);

}  // namespace bus::cli
