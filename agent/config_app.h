// A rule of "apps": whose programs, and what they may do.
#pragma once

#include "config.h"
#include "config_section.h"

namespace bus {

AppConfig read_app(ConfigSection& section);

}  // namespace bus
