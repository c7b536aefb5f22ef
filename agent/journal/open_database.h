// Opens the journal's database the way schema.sql asks for, and sets aside
// what is no database any more.
#pragma once

#include <cstdint>
#include <string>

#include "journal/sqlite.h"

namespace bus::journal {

inline constexpr std::uint64_t page_bytes = 16 * 1024;
// The file's length is a multiple of this, all of it allocated.
inline constexpr std::uint64_t chunk_bytes = 4 * 1024 * 1024;

// With all pragmas and the schema; the log is cut back to `log_bytes` when it was longer. Throws
// DatabaseFailed (corrupt: try set_aside), or bus::Error where a person has to act.
Database open_database(const std::string& path, const char* vfs, std::uint64_t log_bytes);

// Leaves the -wal file at its size, for the next start on a full disk.
void close_orderly(Database& database);

// Renames the database and its WAL; returns the database's new name. Throws bus::Error.
std::string set_aside(const std::string& path, std::uint64_t stamp);

}  // namespace bus::journal
