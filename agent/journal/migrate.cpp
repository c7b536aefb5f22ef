#include "journal/migrate.h"

#include <array>

#include "schema.h"    // made from schema.sql
#include "schema_2.h"  // and schema_2.sql

namespace bus::journal {
namespace {

constexpr std::int64_t application_id = 0x4D42'7573;  // "MBus"

// steps[n] leads from version n to n + 1. A step never changes once it is released.
constexpr std::array<const char*, schema_version> steps{schema_sql, schema_2_sql};

void refuse_foreign(Database& database, const std::string& path, std::int64_t version) {
    const auto id = database.ask("PRAGMA application_id");
    const auto tables = database.ask("SELECT count(*) FROM sqlite_schema");
    if (id == application_id || (version == 0 && tables == 0)) return;
    throw Error(path + " is a database of another program, not a journal of bus-agent");
}

void take_step(Database& database, std::int64_t from) {
    database.require("BEGIN IMMEDIATE");
    database.require(steps[static_cast<std::size_t>(from)]);
    database.require(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
    database.require(("PRAGMA user_version = " + std::to_string(from + 1)).c_str());
    database.require("COMMIT");
}

}  // namespace

void migrate(Database& database, const std::string& path) {
    const std::int64_t version = database.ask("PRAGMA user_version").value_or(0);
    refuse_foreign(database, path, version);
    if (version > schema_version)
        throw Error(path + ": the journal has version " + std::to_string(version) +
                    ", this bus-agent knows versions up to " + std::to_string(schema_version) +
                    "; start the newer bus-agent that wrote it");
    for (std::int64_t from = version; from < schema_version; ++from) take_step(database, from);
}

}  // namespace bus::journal
