// Transactional outbox: an order and the message that tells of it are written in
// one transaction of the shop's database, and a relay publishes what stands there.
//
// The relay may crash after it has published and before it has noted so; then it
// publishes the same again. Its producer has a name, and each message the number
// of its row, so the agent knows what it has had, for 24 hours and through restarts
// of either: every order is told once.
//
// The name is made with the database and kept in it: rows of another database are
// other messages, even where their numbers are the same.
#include <bus/bus.h>
#include <sqlite3.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

class Shop {
  public:
    Shop() {
        sqlite3_open(":memory:", &db_);
        run("CREATE TABLE orders (goods TEXT);"
            "CREATE TABLE outbox (row INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT);"
            "CREATE TABLE producer AS SELECT 'shop-' || hex(randomblob(8)) AS name");
    }
    ~Shop() { sqlite3_close(db_); }
    Shop(const Shop&) = delete;
    Shop& operator=(const Shop&) = delete;

    void order(const std::string& goods) {  // both, or neither
        run("BEGIN; INSERT INTO orders VALUES ('" + goods + "');" +
            "INSERT INTO outbox (body) VALUES ('" + goods + "'); COMMIT");
    }
    std::string producer() { return query("SELECT 0, name FROM producer").at(0).text; }
    struct Row {
        std::uint64_t number;
        std::string text;
    };
    std::vector<Row> outbox() { return query("SELECT row, body FROM outbox ORDER BY row"); }
    void told(std::uint64_t through) {
        run("DELETE FROM outbox WHERE row <= " + std::to_string(through));
    }

  private:
    void run(const std::string& sql) { query(sql); }
    std::vector<Row> query(const std::string& sql) {
        std::vector<Row> rows;
        const auto take = [](void* to, int, char** columns, char**) {
            static_cast<std::vector<Row>*>(to)->push_back({std::stoull(columns[0]), columns[1]});
            return 0;
        };
        if (sqlite3_exec(db_, sql.c_str(), take, &rows, nullptr) != SQLITE_OK)
            throw bus::Error{sqlite3_errmsg(db_)};
        return rows;
    }
    sqlite3* db_ = nullptr;
};

void relay(Shop& shop, bool crashes) {
    bus::Connection bus{{.producer = shop.producer()}};
    const auto rows = shop.outbox();
    for (const auto& [number, text] : rows)
        bus.queue("shop.orders").publish(text, {.sequence = number});
    const bool all_safe = bus.flush(5s) == 0;
    std::cout << "relay: published " << rows.size() << (crashes ? " and crashed\n" : "\n");
    if (all_safe && !crashes) shop.told(rows.back().number);
}

}  // namespace

int main() {
    Shop shop;
    shop.order("tea");
    shop.order("cup");
    relay(shop, true);
    shop.order("spoon");
    relay(shop, false);  // tea and cup once more, and spoon

    bus::Connection bus;
    auto orders = bus.receive("shop.orders");
    for (std::string last; last != "spoon";) {
        bus::Delivery order = orders.next_within(5s).value();
        last = order.payload();
        std::cout << "told: " << last << "\n";
        order.ack();
    }
}
