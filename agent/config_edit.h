// Changes the configuration for the user: of its file nothing else changes,
// comments and layout included, and it is whole at every moment.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace bus {

// A configuration without its entry of that name under "peers". nullopt: there is none.
std::optional<std::string> without_peer(std::string_view text, const std::string& name);

// A configuration that listens there, and nowhere before. nullopt: it says already where.
std::optional<std::string> with_listen(std::string_view text, const std::string& address);

// In `file`. Returns what it was before. Throws Error, and nothing has changed, if it listens
// already or may not write there.
std::string add_listen(const std::filesystem::path& file, const std::string& address);
void restore(const std::filesystem::path& file, const std::string& before);

// A peer's entry, in a file of its own beside `file`, in peers.d. Returns that file's path. Throws
// Error if there is one of that name, or it may not write there.
std::filesystem::path add_peer_file(const std::filesystem::path& file, const std::string& name,
                                    std::string_view entry);
// Takes it back.
void remove_peer_file(const std::filesystem::path& path);

// From `file`, or the file of its own beside it in peers.d. Returns what was changed, for people.
// Throws Error, and nothing has changed, if it may not write there, with what to do instead.
std::string remove_peer_entry(const std::filesystem::path& file, const std::string& name);

}  // namespace bus
