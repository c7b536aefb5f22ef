// Who this agent is: an id for life and the CURVE key pair that proves it. The
// file is made once, readable by its owner only, and never rewritten.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/id.h"

namespace bus {

struct Identity {
    AgentId agent;
    std::string public_key;  // Z85, 40 characters, as all keys that people see
    std::string secret_key;
    friend bool operator==(const Identity&, const Identity&) = default;
};

// A new id and key pair. Nothing is written.
Identity make_identity();

// nullopt: there is no such file. Throws Error as below.
std::optional<Identity> read_identity(const std::filesystem::path& file);

// Reads the file, or, where there is none, writes a new identity (mode 0600, atomically, synced;
// of two that start at once one wins and both use its file). Throws Error if the file may be read
// by others, is damaged, or cannot be made.
Identity load_or_create_identity(const std::filesystem::path& file);

}  // namespace bus
