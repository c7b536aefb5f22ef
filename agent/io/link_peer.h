// What the edge knows of a peer: the keys that prove it, and where it is dialled.
#pragma once

#include <string>
#include <vector>

#include "io/endpoint.h"

namespace bus::io {

struct LinkPeer {
    std::string name;
    std::vector<std::string> keys;       // Z85
    std::vector<TcpEndpoint> addresses;  // tried in turn; none: it dials us
    friend bool operator==(const LinkPeer&, const LinkPeer&) = default;
};

}  // namespace bus::io
