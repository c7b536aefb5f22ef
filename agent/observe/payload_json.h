// Bytes of an app in JSON: text where they are text, otherwise base64; and no
// more of them than an answer has room for.
#pragma once

#include "base/bytes.h"
#include "observe/reply_json.h"

namespace bus::observe {

inline constexpr std::size_t payload_shown_max = 6 * 1024;

// {"bytes":N,"text":"..."} or {"bytes":N,"base64":"..."}; what is cut off shows in its length.
Json payload_json(Bytes payload, std::size_t bytes_max = payload_shown_max);

}  // namespace bus::observe
