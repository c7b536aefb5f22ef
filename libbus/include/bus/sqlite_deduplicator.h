// What a consumer has handled already, kept in the program's own SQLite database
// and in the transaction of its work: both are there after a crash, or neither.
// So a message that comes again, marked redelivered, changes nothing twice.
//
//     bus::SqliteDeduplicator seen{db, "billing"};
//     for (bus::Delivery d : orders) {
//         run(db, "BEGIN IMMEDIATE");
//         if (seen.first_time(d.message())) book(db, d.message());
//         run(db, "COMMIT");
//         d.ack();  // only now
//     }
//
// libbus is not linked to SQLite: whoever includes this is (-lsqlite3, 3.38 or newer). The table:
//
//     CREATE TABLE bus_seen (
//         consumer TEXT, producer BLOB, sequence INTEGER,  -- of the message's id
//         handled INTEGER,                                 -- unix seconds, this host's clock
//         PRIMARY KEY (consumer, producer, sequence)) WITHOUT ROWID
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bus/error.h"
#include "bus/message.h"

namespace bus {

// One thread at a time, the database's. The database must outlive it.
class SqliteDeduplicator {
  public:
    // Makes the table if there is none. `consumer` tells several of one database apart. Throws
    // Error: SQLite's.
    SqliteDeduplicator(sqlite3* db, std::string_view consumer) : db_(db), consumer_(consumer) {
        run(prepare("CREATE TABLE IF NOT EXISTS bus_seen (consumer TEXT, producer BLOB, "
                    "sequence INTEGER, handled INTEGER, "
                    "PRIMARY KEY (consumer, producer, sequence)) WITHOUT ROWID")
                .get());
        insert_ = prepare("INSERT OR IGNORE INTO bus_seen VALUES (?, ?, ?, unixepoch())");
    }

    // Not handled before; notes it in the transaction that is open: a rollback takes the note back.
    // Throws Error: SQLite's, or no transaction is open.
    [[nodiscard]] bool first_time(const Message& message) {
        if (sqlite3_get_autocommit(db_) != 0)
            throw Error{
                "a message is noted as handled in the transaction of the work: BEGIN first"};
        const auto& [high, low] = message.producer();
        const std::uint64_t producer[] = {high, low};
        sqlite3_bind_text(insert_.get(), 1, consumer_.data(), static_cast<int>(consumer_.size()),
                          SQLITE_STATIC);
        sqlite3_bind_blob(insert_.get(), 2, producer, sizeof producer, SQLITE_TRANSIENT);
        sqlite3_bind_int64(insert_.get(), 3, static_cast<sqlite3_int64>(message.sequence()));
        run(insert_.get());
        return sqlite3_changes(db_) == 1;
    }

    // Forgets what was handled longer ago; do it now and then. What comes again after that counts
    // as new. Throws Error: SQLite's.
    void forget_older_than(std::chrono::seconds age) {
        const auto old =
            prepare("DELETE FROM bus_seen WHERE consumer = ? AND handled < unixepoch() - ?");
        sqlite3_bind_text(old.get(), 1, consumer_.data(), static_cast<int>(consumer_.size()),
                          SQLITE_STATIC);
        sqlite3_bind_int64(old.get(), 2, age.count());
        run(old.get());
    }

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

    [[noreturn]] void fail() const {
        throw Error{std::string{"the deduplicator's database: "} + sqlite3_errmsg(db_)};
    }
    Statement prepare(const char* sql) const {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) != SQLITE_OK) fail();
        return Statement{statement};
    }
    void run(sqlite3_stmt* statement) const {
        const int done = sqlite3_step(statement);
        const int reset = sqlite3_reset(statement);
        if (done != SQLITE_DONE || reset != SQLITE_OK) fail();
    }

    sqlite3* const db_;
    const std::string consumer_;
    Statement insert_;
};

}  // namespace bus
