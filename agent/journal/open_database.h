// Opens the journal's database the way schema.sql asks for, and sets aside
// what is no database any more.
#pragma once

#include <cstdint>
#include <string>

#include "journal/sqlite.h"

namespace bus::journal {

inline constexpr std::uint64_t page_bytes = 16 * 1024;

// With all pragmas and the schema. Throws DatabaseFailed (corrupt: try set_aside), or bus::Error
// where a person has to act.
Database open_database(const std::string& path, const char* vfs);

// Leaves the -wal file at its size, for the next start on a full disk.
void close_orderly(Database& database);

// Renames the database and its WAL; returns the database's new name. Throws bus::Error.
std::string set_aside(const std::string& path, std::uint64_t stamp);

}  // namespace bus::journal
