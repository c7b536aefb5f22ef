// Content-Based Router: orders come in on one queue and go on to the department
// that sells such things. An order for which there is none is invalid: it is
// rejected, and its reason stands beside it among the dead letters.
//
// A router must not lose what is in its hands. It acknowledges an order when the
// copy that it sent on is safe, never before; if it is killed in between, the
// order comes again and the department sees it twice, marked (see
// idempotent_receiver.cpp). Where the sender can name the kind of goods in the
// channel, no router is needed at all: see message_filter.cpp.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <optional>
#include <string>

using namespace std::chrono_literals;

namespace {

std::optional<std::string> department_of(const bus::Message& order) {
    const auto goods = order.header("goods");
    if (goods == "book" || goods == "music") return "orders." + std::string{*goods};
    return std::nullopt;
}

void route(const bus::Connection& bus, bus::Delivery order) {
    const auto department = department_of(order.message());
    if (!department) {
        order.reject("no department sells this");
        return;
    }
    const auto headers = order.message().headers();  // all of them go on
    const auto receipt = bus.send(*department, order.payload(), {.headers = headers});
    if (receipt.wait(5s) == bus::Outcome::reached) order.ack();
}  // not acknowledged: given back, and routed again later

void show_one(const bus::Connection& bus, std::string_view department) {
    auto orders = bus.receive(department);
    bus::Delivery order = orders.next_within(5s).value();
    std::cout << department << ": " << order.payload() << "\n";
    order.ack();
}

}  // namespace

int main() {
    bus::Connection bus;
    const bus::Channel incoming = bus.queue("orders.incoming");
    for (const auto& [goods, order] :
         {bus::Header{"music", "Kind of Blue"}, {"unicorn", "one, white"}, {"book", "Moby Dick"}}) {
        const bus::Header header{"goods", goods};
        incoming.publish(order, {.headers = {&header, 1}});
    }

    auto orders = bus.receive("orders.incoming");
    for (int i = 0; i < 3; ++i) route(bus, orders.next_within(5s).value());

    show_one(bus, "orders.book");
    show_one(bus, "orders.music");
}
