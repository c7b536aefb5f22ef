// The typed configuration. Reading refuses whatever it does not understand,
// with the file, the line and a suggestion; nothing is guessed, nothing
// ignored. Apart from Config nothing of the file's form leaves config.cpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "limits.h"

namespace bus {

struct JournalConfig {
    std::filesystem::path path = "/var/lib/bus-agent/journal.db";
    // Resolved while reading: the smaller of the default and a tenth of the file system, unless
    // told.
    std::uint64_t max_bytes = limits::journal_bytes_default;
    std::uint64_t min_free = limits::journal_min_free_default;  // of the file system, in bytes
};

// What the apps of one user may do: lists of filters. What is not listed is forbidden to them.
struct AppConfig {
    uid_t uid = 0;  // in the file "user", a name or digits, or "uid", a number
    std::vector<std::string> publish, subscribe, send, receive;
    std::string where;  // "agent.json:12", for messages
};

struct PeerConfig {
    std::string name;
    std::string key;      // Z85
    std::string address;  // "tcp://host:port"; empty: it dials us
    std::string where;
};

// All paths are absolute, or relative to where the process was when it read them.
struct Config {
    std::string name;
    std::filesystem::path identity = "identity.key";
    std::filesystem::path runtime = "/run/bus-agent";
    JournalConfig journal;
    std::vector<std::string> listen;  // "tcp://address:port"
    std::vector<AppConfig> apps;      // one a uid
    std::vector<PeerConfig>
        peers;  // of the file, then of peers.d/*.json in the order of their names
};

// Throws Error whose text has one line for every mistake found: "file:line: path: what".
Config load_config(const std::filesystem::path& file);

// Throws Error if this agent is among its own peers.
void refuse_own_key(const Config& config, std::string_view own_public_key);

}  // namespace bus
