// The configuration in the words of the agent's parts.
#pragma once

#include <vector>

#include "config.h"
#include "core/settings.h"
#include "identity.h"
#include "io/link_peer.h"
#include "io/link_socket.h"

namespace bus {

core::Settings settings_of(const Config& config, const Identity& identity);
// Throw Error with the place of an address that is none.
std::vector<io::LinkPeer> link_peers_of(const Config& config);
std::vector<io::TcpEndpoint> listen_of(const Config& config);
// The current one first.
std::vector<io::LinkKeys> own_keys_of(const Identity& identity);

}  // namespace bus
