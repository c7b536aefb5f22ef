// Transactional Client and Idempotent Receiver: payments are booked in the
// program's own SQLite database, each exactly once, whatever crashes.
//
// The note that a message is done is written in the transaction of its work, so
// both are there after a crash or neither. The order is: BEGIN, note and work,
// COMMIT, acknowledge. A crash before COMMIT: neither happened, and it comes again.
// A crash after it: it comes again, and the note says so.
//
//     idempotent_billing [DATABASE]     default: in memory
#include <bus/bus.h>
#include <bus/sqlite_deduplicator.h>

#include <chrono>
#include <iostream>
#include <memory>

using namespace std::chrono_literals;

namespace {

using Database = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;

Database open(const char* path) {
    sqlite3* db = nullptr;
    if (sqlite3_open(path, &db) != SQLITE_OK) throw bus::Error{sqlite3_errmsg(db)};
    return {db, &sqlite3_close};
}

void run(sqlite3* db, const std::string& sql) {
    if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        throw bus::Error{sqlite3_errmsg(db)};
}

// True if this message changed anything.
bool book(sqlite3* db, bus::SqliteDeduplicator& seen, const bus::Delivery& payment) {
    run(db, "BEGIN IMMEDIATE");
    const bool first = seen.first_time(payment.message());
    if (first)
        run(db, "UPDATE account SET euros = euros + " +
                    std::to_string(std::stoi(std::string{payment.payload()})));
    run(db, "COMMIT");
    return first;
}

int balance(sqlite3* db) {
    int euros = 0;
    const auto take = [](void* to, int, char** columns, char**) {
        *static_cast<int*>(to) = std::stoi(columns[0]);
        return 0;
    };
    sqlite3_exec(db, "SELECT euros FROM account", take, &euros, nullptr);
    return euros;
}

}  // namespace

int main(int argc, char** argv) {
    const Database db = open(argc > 1 ? argv[1] : ":memory:");
    run(db.get(), "CREATE TABLE IF NOT EXISTS account AS SELECT 0 AS euros");
    bus::SqliteDeduplicator seen{db.get(), "billing"};

    bus::Connection shop;
    for (const char* euros : {"100", "20", "3"}) shop.queue("payments").publish(euros);
    {
        bus::Connection bus;
        auto payments = bus.receive("payments");
        bus::Delivery payment = payments.next_within(5s).value();
        book(db.get(), seen, payment);
        std::cout << "booked " << payment.payload() << ", and crashed before it was acknowledged\n";
    }
    bus::Connection bus;
    auto payments = bus.receive("payments");
    for (int i = 0; i < 3; ++i) {
        bus::Delivery payment = payments.next_within(5s).value();
        const bool first = book(db.get(), seen, payment);
        std::cout << payment.payload() << (first ? " booked\n" : " was booked before\n");
        payment.ack();
    }
    std::cout << "balance: " << balance(db.get()) << " euros\n";
}
