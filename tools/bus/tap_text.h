// What happens to messages, as lines for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "paint.h"

namespace bus::cli {

struct TapForm {
    bool indents_json = false;
};

// One event in a line, and its messages below it where they were asked for.
std::string tap_text(const nlohmann::ordered_json& event, const TapForm& form, const Paint& paint);

}  // namespace bus::cli
