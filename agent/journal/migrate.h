// Brings a database to the schema of this version: new, older or the same. A
// newer one is refused, and so is a database of something else.
#pragma once

#include "journal/sqlite.h"

namespace bus::journal {

inline constexpr std::int64_t schema_version = 2;

// Throws bus::Error with a sentence for people, DatabaseFailed if the disk or the file fails.
void migrate(Database& database, const std::string& path);

}  // namespace bus::journal
