// The typed configuration. Reading refuses whatever it does not understand,
// with the file, the line and a suggestion; nothing is guessed, nothing
// ignored. Apart from Config nothing of the file's form leaves config.cpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/settings.h"
#include "limits.h"

namespace bus {

struct JournalConfig {
    std::filesystem::path path = "/var/lib/bus-agent/journal.db";
    // Resolved while reading: the smaller of the default and a tenth of the file system, unless
    // told.
    std::uint64_t max_bytes = limits::journal_bytes_default;
    std::uint64_t min_free = limits::journal_min_free_default;  // of the file system, in bytes
};

// What the apps of one user may do.
struct AppConfig {
    uid_t uid = 0;  // in the file "user", a name or digits, or "uid", a number
    core::Permissions may;
    core::AppBound limits;
    bool taps_payloads = false;  // its taps show them
    std::string where;           // "agent.json:12", for messages
};

struct PeerConfig {
    std::string name;
    std::vector<std::string> keys;         // Z85; the current one first
    std::vector<std::string> addresses;    // "tcp://host:port", the best first; none: it dials us
    std::optional<core::Permissions> may;  // none: "trust": "full"
    bool relays = true;                    // its word on agents behind it is taken
    std::uint32_t cost = 1;                // of its link, when paths are compared
    std::uint64_t rate_bytes_per_second = 0;  // of what is sent to it; 0: unlimited
    bool status = true;                       // it may ask for the status of this agent
    core::Bound waiting;                      // "limits"
    std::string where;
};

// All paths are absolute, or relative to where the process was when it read them.
struct Config {
    std::string name;  // told, or the host's up to its first dot
    std::filesystem::path identity = "identity.key";
    std::filesystem::path runtime = "/run/bus-agent";
    std::optional<gid_t> admin_group;  // of admin.sock; none: the one of bus.sock
    JournalConfig journal;
    std::vector<std::string> listen;  // "tcp://address:port"
    bool relay = false;               // passes on what is for others
    std::vector<AppConfig> apps;      // one a uid
    std::vector<core::ChannelSettings> channels;
    std::vector<core::SubscriptionSettings> subscriptions;  // durable ones, that stand anyway
    // Of the file, then of peers.d/*.json in the order of their names.
    std::vector<PeerConfig> peers;
};

// Throws Error whose text has one line for every mistake found: "file:line: path: what".
Config load_config(const std::filesystem::path& file);

// Throws Error if this agent is among its own peers. It may have several keys.
void refuse_own_keys(const Config& config, std::span<const std::string> own_public_keys);

// Throws Error if an agent that runs with `was` would lose every peer by reading `is`.
void refuse_to_cut_off(const Config& was, const Config& is);

}  // namespace bus
