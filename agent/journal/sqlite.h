// A thin house around sqlite3: a database and its statements, closed and
// finalized by scope. What a journal must expect of a disk is a value
// (Status); a bug in the SQL, or no memory, is an exception. One thread at a
// time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/id.h"
#include "bus/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace bus::journal {

// corrupt: the file is damaged where this statement looked, or is no database at all.
enum class Status { ok, full, io, corrupt };

// A database that cannot be opened or whose schema cannot be read.
class DatabaseFailed : public Error {
  public:
    DatabaseFailed(Status how, const std::string& what) : Error(what), status(how) {}
    Status status;
};

class Database {
  public:
    // Opens or creates. vfs: of SQLite's, by name; null is the default one.
    explicit Database(const std::string& path, const char* vfs = nullptr);

    // One statement or several, without results.
    [[nodiscard]] Status execute(const char* sql);
    // The same where failing means that the database cannot be used.
    void require(const char* sql);
    // The one integer that a pragma or a SELECT yields.
    std::optional<std::int64_t> ask(const char* sql);

    // Keeps the -wal file when the database is closed.
    void persist_wal();
    // The file grows and shrinks in steps of so many bytes.
    void set_chunk(int bytes);
    // Makes the file that long on disk, so that a checkpoint needs no more room. full: there is
    // none.
    [[nodiscard]] Status reserve(std::uint64_t bytes);
    // Closing leaves the WAL as it is: what the disk refused must not be copied on.
    void skip_checkpoint_on_close();
    // Copies what the WAL holds into the database and syncs it. `restart`: the WAL is emptied too.
    [[nodiscard]] Status checkpoint(bool truncate = false);
    // Frames in the WAL that no checkpoint has copied yet.
    std::uint32_t wal_frames() const noexcept { return *wal_frames_; }
    bool in_transaction() const noexcept;
    void release_memory() noexcept;

    // Of the last call that did not return ok.
    std::string message() const;
    // Throws for what is not a Status.
    Status status_of(int result) const;
    sqlite3* handle() const noexcept { return handle_.get(); }

  private:
    struct Close {
        void operator()(sqlite3* handle) const noexcept;
    };
    std::unique_ptr<std::uint32_t> wal_frames_ = std::make_unique<std::uint32_t>(0);
    std::unique_ptr<sqlite3, Close> handle_;
};

// A prepared statement. What is bound must live until the next reset: nothing is copied.
class Statement {
  public:
    Statement(Database& database, std::string_view sql);

    template <class... Values>
    Statement& bind(const Values&... values) {
        int at = 0;
        (bind_one(++at, values), ...);
        return *this;
    }
    // Binds all columns of the row where `other` stands.
    void bind_row(const Statement& other);
    // Runs to the end; rows are ignored.
    [[nodiscard]] Status run();
    // The next row. false: there is none, or status() says why not; the statement is reset.
    bool next();
    Status status() const noexcept { return status_; }
    // The last run() inserted, changed or deleted something.
    bool changed() const noexcept;
    void reset() noexcept;

    int columns() const noexcept;
    std::uint64_t number(int column) const noexcept;
    Bytes blob(int column) const noexcept;  // valid until the next step
    std::string_view text(int column) const noexcept;
    template <class Id>
    Id id(int column) const noexcept {
        return Id{words(column)};
    }

  private:
    void bind_one(int at, std::uint64_t value);
    void bind_one(int at, std::string_view value);
    void bind_one(int at, Bytes value);
    void bind_one(int at, std::nullptr_t);
    template <class Tag>
    void bind_one(int at, const Id128<Tag>& value) {
        bind_words(at, value.words);
    }
    template <class Tag, class Value>
    void bind_one(int at, const StrongInt<Tag, Value>& value) {
        bind_one(at, std::uint64_t{value.value});
    }
    void bind_words(int at, const std::array<std::uint64_t, 2>& words);
    std::array<std::uint64_t, 2> words(int column) const noexcept;

    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    Database* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    Status status_ = Status::ok;
};

}  // namespace bus::journal
