// The object "channels" of a configuration: what is said of channels, by filter.
#pragma once

#include <vector>

#include "config_section.h"
#include "core/settings.h"

namespace bus {

std::vector<core::ChannelSettings> read_channels(ConfigSection& section);

}  // namespace bus
