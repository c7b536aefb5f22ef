// The stable names of events: what bus-tap shows and filters by.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/effects.h"

namespace bus::observe {

std::string_view to_text(core::Event::Kind kind);
std::optional<core::Event::Kind> event_kind(std::string_view name);
// "taken, safe, ...", for people.
std::string event_names();

}  // namespace bus::observe
