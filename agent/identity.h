// Who this agent is: an id for life and the CURVE key pair that proves it, or,
// while its keys roll over, two. The file is readable by its owner only; it is
// replaced as a whole when a key is added or dropped.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"

namespace bus {

struct Identity {
    AgentId agent;
    std::string public_key, secret_key;  // Z85, 40 characters, as all keys that people see

    // The pair that this agent is known by as well, and by alone from that moment on.
    struct Next {
        std::string public_key, secret_key;
        std::uint64_t from_unix_seconds = 0;  // this host's wall clock
        friend bool operator==(const Next&, const Next&) = default;
    };
    std::optional<Next> next;

    std::vector<std::string> public_keys() const;  // the current one first
    friend bool operator==(const Identity&, const Identity&) = default;
};

inline constexpr std::chrono::hours key_overlap_max{366 * 24};

// A new id and key pair. Nothing is written.
Identity make_identity();

// With a new pair beside the current one. Throws Error if there is a next one already, or the
// overlap is none or beyond key_overlap_max.
Identity with_next_key(const Identity& identity, std::chrono::seconds overlap,
                       std::uint64_t now_unix_seconds);
// The next pair is the only one from now on. Throws Error if there is none.
Identity without_old_key(const Identity& identity);
bool is_old_key_over(const Identity& identity, std::uint64_t now_unix_seconds);

// Replaces the file by another identity of the same agent: atomically, synced, with its owner and
// mode 0600. Throws Error; then the file is what it was.
void replace_identity(const std::filesystem::path& file, const Identity& identity);

// nullopt: there is no such file. Throws Error as below.
std::optional<Identity> read_identity(const std::filesystem::path& file);

// Reads the file, or, where there is none, writes a new identity (mode 0600, atomically, synced;
// of two that start at once one wins and both use its file). Throws Error if the file may be read
// by others, is damaged, or cannot be made.
Identity load_or_create_identity(const std::filesystem::path& file);

}  // namespace bus
