// Takes a peer's entry out of the configuration for the user: of its file
// nothing else changes, comments and layout included, and it is whole at every
// moment.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace bus {

// A configuration without its entry of that name under "peers". nullopt: there is none.
std::optional<std::string> without_peer(std::string_view text, const std::string& name);

// From `file`, or the file of its own beside it in peers.d. Returns what was changed, for people.
// Throws Error, and nothing has changed, if it may not write there, with what to do instead.
std::string remove_peer_entry(const std::filesystem::path& file, const std::string& name);

}  // namespace bus
