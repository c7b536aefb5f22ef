#include "journal/sqlite.h"

#include <sqlite3.h>

#include <array>
#include <bit>

#include "base/assert.h"

namespace bus::journal {
namespace {

int remember_frames(void* frames, sqlite3*, const char*, int count) {
    *static_cast<std::uint32_t*>(frames) = static_cast<std::uint32_t>(count);
    return SQLITE_OK;
}

// Ids are stored as they are printed: the first word first, most significant byte first.
std::uint64_t big_endian(std::uint64_t value) noexcept { return __builtin_bswap64(value); }

}  // namespace

void Database::Close::operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }

Database::Database(const std::string& path, const char* vfs) {
    sqlite3* opened = nullptr;
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int result = sqlite3_open_v2(path.c_str(), &opened, flags, vfs);
    handle_.reset(opened);
    if (result != SQLITE_OK)
        throw DatabaseFailed(Status::io, path + ": " + (opened ? message() : "out of memory"));
    sqlite3_extended_result_codes(opened, 1);
    sqlite3_wal_hook(opened, remember_frames, wal_frames_.get());
}

Status Database::status_of(int result) const {
    switch (result & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
            return Status::ok;
        case SQLITE_FULL:
            return Status::full;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
            return Status::io;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return Status::corrupt;
        case SQLITE_BUSY:
            throw Error("the database is locked by another process");
        default:
            throw Error("sqlite: " + message());
    }
}

Status Database::execute(const char* sql) {
    return status_of(sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr));
}

void Database::require(const char* sql) {
    const Status status = execute(sql);
    if (status != Status::ok) throw DatabaseFailed(status, message());
}

std::optional<std::int64_t> Database::ask(const char* sql) {
    Statement statement{*this, sql};
    if (statement.next()) return static_cast<std::int64_t>(statement.number(0));
    if (statement.status() != Status::ok) throw DatabaseFailed(statement.status(), message());
    return std::nullopt;
}

void Database::persist_wal() {
    int on = 1;
    sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}

void Database::set_chunk(int bytes) {
    sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_CHUNK_SIZE, &bytes);
}

Status Database::reserve(std::uint64_t bytes) {
    auto size = static_cast<sqlite3_int64>(bytes);
    const int result = sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_SIZE_HINT, &size);
    return result == SQLITE_OK ? Status::ok : Status::full;
}

void Database::skip_checkpoint_on_close() {
    sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Status Database::checkpoint(bool truncate) {
    const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    const int result = sqlite3_wal_checkpoint_v2(handle_.get(), "main", mode, nullptr, nullptr);
    const Status status = status_of(result);
    if (status == Status::ok) *wal_frames_ = 0;
    return status;
}

bool Database::in_transaction() const noexcept { return !sqlite3_get_autocommit(handle_.get()); }

void Database::release_memory() noexcept { sqlite3_db_release_memory(handle_.get()); }

std::string Database::message() const { return sqlite3_errmsg(handle_.get()); }

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

Statement::Statement(Database& database, std::string_view sql) : database_(&database) {
    sqlite3_stmt* prepared = nullptr;
    const int result =
        sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    statement_.reset(prepared);
    const Status status = database.status_of(result);
    if (status != Status::ok) throw DatabaseFailed(status, database.message());
}

int Statement::columns() const noexcept { return sqlite3_column_count(statement_.get()); }

void Statement::bind_row(const Statement& other) {
    for (int at = 0; at < other.columns(); ++at)
        BUS_ASSERT(sqlite3_bind_value(statement_.get(), at + 1,
                                      sqlite3_column_value(other.statement_.get(), at)) ==
                   SQLITE_OK);
}

Status Statement::run() {
    while (next()) {
    }
    return status_;
}

bool Statement::next() {
    const int result = sqlite3_step(statement_.get());
    status_ = database_->status_of(result);
    if (result == SQLITE_ROW) return true;
    reset();
    return false;
}

bool Statement::changed() const noexcept { return sqlite3_changes64(database_->handle()) > 0; }

void Statement::reset() noexcept { sqlite3_reset(statement_.get()); }

// SQLite's integers are signed; what is ordered stays below 2^63, a hash keeps its bits.
std::uint64_t Statement::number(int column) const noexcept {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

Bytes Statement::blob(int column) const noexcept {
    const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::text(int column) const noexcept { return as_text(blob(column)); }

std::array<std::uint64_t, 2> Statement::words(int column) const noexcept {
    Reader in{blob(column)};
    const auto first = in.u64();
    return {big_endian(first), big_endian(in.u64())};
}

void Statement::bind_one(int at, std::uint64_t value) {
    const auto bits = static_cast<sqlite3_int64>(value);
    BUS_ASSERT(sqlite3_bind_int64(statement_.get(), at, bits) == SQLITE_OK);
}

void Statement::bind_one(int at, std::string_view value) {
    // A null pointer would be NULL, not the empty text.
    const char* data = value.data() ? value.data() : "";
    BUS_ASSERT(sqlite3_bind_text(statement_.get(), at, data, static_cast<int>(value.size()),
                                 SQLITE_STATIC) == SQLITE_OK);
}

void Statement::bind_one(int at, Bytes value) {
    const int size = static_cast<int>(value.size());
    BUS_ASSERT(sqlite3_bind_blob(statement_.get(), at, value.data(), size, SQLITE_STATIC) ==
               SQLITE_OK);
}

void Statement::bind_one(int at, std::nullptr_t) {
    BUS_ASSERT(sqlite3_bind_null(statement_.get(), at) == SQLITE_OK);
}

void Statement::bind_words(int at, const std::array<std::uint64_t, 2>& words) {
    const std::array big{big_endian(words[0]), big_endian(words[1])};
    BUS_ASSERT(sqlite3_bind_blob(statement_.get(), at, big.data(), sizeof big, SQLITE_TRANSIENT) ==
               SQLITE_OK);
}

}  // namespace bus::journal
