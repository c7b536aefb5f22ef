// What all answers to operators have in common.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "observe/status_json.h"

namespace bus::observe {

using Json = nlohmann::ordered_json;

inline Json reply_head(const AdminAnswer& to, bool ok) {
    return {{"type", "admin"}, {"id", to.id}, {"request", to.request}, {"ok", ok}};
}

// Names that came from outside need not be UTF-8.
inline std::string reply_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace bus::observe
