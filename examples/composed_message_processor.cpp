// Splitter, Aggregator, and both as a Composed Message Processor: an order is split
// into its items, each is priced on its own by whoever is free, and the prices
// become one invoice again. The Correlation Identifier says which order an item
// belongs to; orders mix on the way, and items of one overtake each other.
//
// Nothing is lost if a program dies at any point: the aggregator acknowledges the
// prices only when the invoice that they are in is safe. Until then the bus answers
// for them and hands them out again; so its state needs no database. An order that
// is split again after a crash makes the same invoice again, of the same order.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

std::string header(const bus::Delivery& d, std::string_view key) {
    return std::string{d.message().header(key).value()};
}

// "tea cup spoon" becomes three messages, each of which says how many there are.
void split(const bus::Connection& bus, bus::Delivery order) {
    std::istringstream items{std::string{order.payload()}};
    const std::string count = header(order, "items"), id = order.message().id();
    int number = 0;
    for (std::string item; items >> item;) {
        const std::string place = std::to_string(++number);
        const bus::Header headers[] = {{"item", place}, {"items", count}};
        bus.queue("items").publish(item, {.correlation_id = id, .headers = headers});
    }
    if (bus.flush(5s) == 0) order.ack();
}

// Until its consumer is closed.
void price(const bus::Connection& bus, bus::Consumer& items) {
    for (bus::Delivery item : items) {
        const std::string euros = std::to_string(item.payload().size());
        const auto headers = item.message().headers();
        const auto receipt = bus.send("prices", euros, {.headers = headers});
        if (receipt.wait(5s) == bus::Outcome::reached) item.ack();
    }
}

class Aggregator {
  public:
    void add(const bus::Connection& bus, bus::Delivery price) {
        const std::string order = header(price, "correlation-id");
        const std::string place = header(price, "item"), count = header(price, "items");
        auto& prices = waiting_[order];
        if (!prices.try_emplace(place, std::move(price)).second) price.ack();  // had it already
        if (prices.size() < std::stoul(count)) return;
        int sum = 0;
        for (const auto& [_, each] : prices) sum += std::stoi(std::string{each.payload()});
        const auto receipt = bus.send("invoices", std::to_string(sum), {.correlation_id = order});
        if (receipt.wait(5s) == bus::Outcome::reached)
            for (auto& [_, each] : prices) each.ack();
        waiting_.erase(order);  // what is not acknowledged goes back
    }

  private:
    std::map<std::string, std::map<std::string, bus::Delivery>> waiting_;  // by order, by place
};

void order(const bus::Connection& bus, std::string_view items, std::string_view count) {
    const bus::Header header{"items", count};
    bus.queue("orders.new").publish(items, {.headers = {&header, 1}});
}

}  // namespace

int main() {
    bus::Connection bus;
    order(bus, "tea cup spoon", "3");
    order(bus, "pot", "1");
    order(bus, "tea sugar", "2");

    auto orders = bus.receive("orders.new"), prices = bus.receive("prices");
    auto items = bus.receive("items"), more_items = bus.receive("items");
    std::jthread pricer{[&] { price(bus, items); }}, another{[&] { price(bus, more_items); }};
    for (int i = 0; i < 3; ++i) split(bus, orders.next_within(5s).value());

    Aggregator aggregator;
    for (int i = 0; i < 6; ++i) aggregator.add(bus, prices.next_within(5s).value());
    auto invoices = bus.receive("invoices");
    for (int i = 0; i < 3; ++i) {
        bus::Delivery invoice = invoices.next_within(5s).value();
        const std::string number = header(invoice, "correlation-id").substr(33);
        std::cout << "order " << number << ": " << invoice.payload() << " euros\n";
        invoice.ack();
    }
    items.close();
    more_items.close();
}
