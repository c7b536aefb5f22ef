#include <bus/bus.h>
#include <bus/sqlite_deduplicator.h>
#include <doctest/doctest.h>

#include <memory>

using namespace std::chrono_literals;

namespace {

bus::Message message(std::uint64_t sequence, std::uint64_t producer = 1) {
    return bus::Message{{.channel = "a", .producer = {7, producer}, .sequence = sequence}};
}

struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
};

struct Database {
    Database() {
        sqlite3* opened = nullptr;
        REQUIRE(sqlite3_open(":memory:", &opened) == SQLITE_OK);
        handle.reset(opened);
    }
    void run(const char* sql) const {
        REQUIRE(sqlite3_exec(handle.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    }
    std::unique_ptr<sqlite3, Close> handle;
};

}  // namespace

TEST_CASE("a message is handled the first time that it comes, in whatever order") {
    bus::Deduplicator seen;
    for (const std::uint64_t sequence : {1, 2, 70, 64, 5})
        CHECK(seen.first_time(message(sequence)));
    for (const std::uint64_t sequence : {5, 64, 1, 70, 2})
        CHECK_FALSE(seen.first_time(message(sequence)));
    CHECK(seen.first_time(message(3)));
    CHECK(seen.first_time(message(1, 2)));  // of another producer
}

TEST_CASE("what could not be handled is new again") {
    bus::Deduplicator seen;
    CHECK(seen.first_time(message(8)));
    CHECK(seen.first_time(message(9)));
    seen.forget(message(9));
    seen.forget(message(1, 5));
    CHECK_FALSE(seen.first_time(message(8)));
    CHECK(seen.first_time(message(9)));
}

TEST_CASE("what was forgotten counts as new, never as handled") {
    bus::Deduplicator seen{{.producers = 2, .messages = 3}};
    for (std::uint64_t word = 0; word < 4; ++word) CHECK(seen.first_time(message(64 * word)));
    CHECK_FALSE(seen.first_time(message(64)));
    for (int again = 0; again < 2; ++again) CHECK(seen.first_time(message(0)));
    SUBCASE("and so are producers beyond the bound, those first that were quiet longest") {
        CHECK(seen.first_time(message(1, 2)));
        CHECK_FALSE(seen.first_time(message(64 * 3)));
        CHECK(seen.first_time(message(1, 3)));
        CHECK_FALSE(seen.first_time(message(64 * 3)));
        CHECK(seen.first_time(message(1, 2)));
    }
}

TEST_CASE("dense sequences cost a bit each") {
    bus::Deduplicator seen{{.producers = 1, .messages = 100}};
    for (std::uint64_t n = 1; n < 6'400; ++n) CHECK(seen.first_time(message(n)));
    for (std::uint64_t n = 1; n < 6'400; ++n) CHECK_FALSE(seen.first_time(message(n)));
}

TEST_CASE("in a database the note is part of the work: both stay, or neither") {
    const Database db;
    db.run("CREATE TABLE booked (id TEXT)");
    bus::SqliteDeduplicator seen{db.handle.get(), "billing"};
    const auto handle = [&](std::uint64_t sequence, const char* end) {
        db.run("BEGIN");
        const bool is_new = seen.first_time(message(sequence));
        if (is_new) db.run("INSERT INTO booked VALUES ('x')");
        db.run(end);
        return is_new;
    };
    CHECK(handle(1, "COMMIT"));
    CHECK_FALSE(handle(1, "COMMIT"));
    CHECK(handle(2, "ROLLBACK"));  // the program crashed here
    CHECK(handle(2, "COMMIT"));
    CHECK_FALSE(handle(2, "COMMIT"));
}

TEST_CASE("a database serves several consumers, and outlives each") {
    const Database db;
    db.run("BEGIN");
    for (int start = 0; start < 2; ++start) {
        bus::SqliteDeduplicator billing{db.handle.get(), "billing"};
        bus::SqliteDeduplicator shipping{db.handle.get(), "shipping"};
        CHECK(billing.first_time(message(1)) == (start == 0));
        CHECK(shipping.first_time(message(1)) == (start == 0));
    }
}

TEST_CASE("without a transaction nothing is noted: the work could be lost behind it") {
    const Database db;
    bus::SqliteDeduplicator seen{db.handle.get(), "billing"};
    CHECK_THROWS_AS(static_cast<void>(seen.first_time(message(1))), bus::Error);
    db.run("BEGIN");
    CHECK(seen.first_time(message(1)));
    db.run("DROP TABLE bus_seen");
    CHECK_THROWS_AS(static_cast<void>(seen.first_time(message(1))), bus::Error);
}

TEST_CASE("what was handled long ago is forgotten when asked to") {
    const Database db;
    bus::SqliteDeduplicator seen{db.handle.get(), "billing"};
    db.run("BEGIN");
    CHECK(seen.first_time(message(1)));
    CHECK(seen.first_time(message(2)));
    db.run("UPDATE bus_seen SET handled = handled - 86400 WHERE sequence = 1");
    seen.forget_older_than(1h);
    CHECK(seen.first_time(message(1)));
    CHECK_FALSE(seen.first_time(message(2)));
}
