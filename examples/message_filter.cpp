// Message Filter and Selective Consumer: who wants only some of the messages says
// so in the filter of its subscription, and the others do not even travel.
//
// So what one selects by belongs into the topic's name, from the general to the
// special: orders.COUNTRY.SPEED. `*` is one token, a last `**` one or more.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <string_view>

using namespace std::chrono_literals;

namespace {

// Up to the one that says that the shop has closed.
void show(std::string_view who, bus::Consumer& orders) {
    std::cout << who << ":";
    bool open = true;
    while (open) {
        bus::Delivery order = orders.next_within(5s).value();
        open = order.payload() != "closed";
        if (open) std::cout << " [" << order.payload() << "]";
        order.ack();
    }
    std::cout << "\n";
}

}  // namespace

int main() {
    bus::Connection bus;
    auto france = bus.subscribe("orders.fr.**");
    auto courier = bus.subscribe("orders.*.express");
    auto all = bus.subscribe("orders.**");

    bus.publish("orders.fr.standard", "2 x tea");
    bus.publish("orders.fr.express", "1 x cup");
    bus.publish("orders.jp.express", "5 x spoon");
    bus.publish("orders.jp.standard", "1 x pot");
    bus.publish("orders.fr.express", "closed");  // reaches all three, after the others

    show("France", france);
    show("courier", courier);
    show("all", all);
}
