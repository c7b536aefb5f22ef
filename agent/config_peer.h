// An entry of "peers": who it is, where it is reached, what it may do.
#pragma once

#include "config.h"
#include "config_section.h"

namespace bus {

PeerConfig read_peer(ConfigSection& section);

}  // namespace bus
