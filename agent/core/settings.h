// What the core needs of the configuration. May change while it runs: Exchange::reload.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "limits.h"

namespace bus::core {

// What apps of one uid may do. Filters.
struct AppRule {
    std::vector<std::string> publish, subscribe, send, receive;
};

struct PeerSettings {
    std::string name;
    std::string key;  // Z85; what the authenticator proved
    friend bool operator==(const PeerSettings&, const PeerSettings&) = default;
};

struct Settings {
    AgentId agent;
    std::string name;
    std::vector<PeerSettings> peers;
    std::map<std::uint32_t, AppRule> rules;  // by uid; a uid without one may use every channel
    std::uint32_t own_uid = 0;               // may do everything
    std::uint64_t journal_bytes_max = limits::journal_bytes_default;
};

}  // namespace bus::core
