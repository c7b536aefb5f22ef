#include "journal/open_database.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "journal/migrate.h"

namespace bus::journal {
namespace {

void set_pragmas(Database& database, const std::string& path, std::uint64_t log_bytes) {
    // Exclusive before the first access: the WAL index then lives in memory, there is no -shm file.
    database.require("PRAGMA locking_mode = EXCLUSIVE");
    // These two only count before the first table, and the page size not in WAL mode any more.
    database.require("PRAGMA page_size = 16384");
    database.require("PRAGMA auto_vacuum = INCREMENTAL");
    {
        Statement mode{database, "PRAGMA journal_mode = WAL"};
        const bool wal = mode.next() && mode.text(0) == "wal";
        if (mode.status() != Status::ok) throw DatabaseFailed(mode.status(), database.message());
        if (!wal) throw Error(path + ": this file system cannot hold a write-ahead log");
    }
    database.require("PRAGMA synchronous = FULL");
    database.require("PRAGMA secure_delete = OFF");
    database.require(("PRAGMA journal_size_limit = " + std::to_string(log_bytes)).c_str());
    database.require("PRAGMA cache_size = -16384");  // KiB
    database.require("PRAGMA temp_store = MEMORY");
}

}  // namespace

Database open_database(const std::string& path, const char* vfs, std::uint64_t log_bytes) {
    Database database{path, vfs};
    database.persist_wal();
    database.set_chunk(static_cast<int>(chunk_bytes));
    set_pragmas(database, path, log_bytes);
    migrate(database, path);
    return database;
}

void close_orderly(Database& database) {
    // With a limit SQLite would empty the kept WAL when it closes.
    if (database.execute("PRAGMA journal_size_limit = -1") != Status::ok)
        database.skip_checkpoint_on_close();
}

std::string set_aside(const std::string& path, std::uint64_t stamp) {
    std::string aside = path + ".damaged-" + std::to_string(stamp);
    while (std::filesystem::exists(aside)) aside += "+";
    if (std::rename(path.c_str(), aside.c_str()) != 0)
        throw Error(path + ": cannot be set aside: " + std::strerror(errno));
    if (std::rename((path + "-wal").c_str(), (aside + "-wal").c_str()) != 0 && errno != ENOENT)
        throw Error(path + "-wal: cannot be set aside: " + std::strerror(errno));
    return aside;
}

}  // namespace bus::journal
