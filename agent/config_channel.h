// The object "channels" of a configuration: what is said of channels, by filter.
#pragma once

#include <vector>

#include "config_section.h"
#include "core/settings.h"

namespace bus {

// "limits": what may wait.
core::Bound read_limits(ConfigSection& section);

std::vector<core::ChannelBound> read_channels(ConfigSection& section);

}  // namespace bus
