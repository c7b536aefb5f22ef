// Messaging Bridge: two buses that must stay apart, an office and a factory, and
// one program on a host of both that passes on what is meant for the other side.
//
//     messaging_bridge OFFICE_RUNTIME FACTORY_RUNTIME
//
// Where the two may know each other no bridge is needed: their agents link, and a
// list of filters says what may cross (`publish` and `subscribe` of a peer). A
// message that is bridged has a new id, so its old one goes along as a header.
// It is acknowledged here when it is safe there: killed at any moment, the bridge
// loses nothing. What it sends twice then, the consumer can tell by that header.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

// True when it is on the other side.
bool pass_on(bus::Delivery order, const bus::Connection& to) {
    const std::string id = order.message().id();
    auto headers = order.message().headers();
    headers.push_back({"bridged-id", id});
    const auto receipt = to.send(order.message().channel(), order.payload(), {.headers = headers});
    if (receipt.wait(5s) != bus::Outcome::reached) return false;
    order.ack();
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "messaging_bridge OFFICE_RUNTIME FACTORY_RUNTIME\n";
        return 2;
    }
    bus::Connection office{{.runtime = argv[1]}}, factory{{.runtime = argv[2]}};
    office.queue("factory.orders").publish("500 screws", {.key = "order-17"});

    auto outgoing = office.receive("factory.orders");
    if (!pass_on(outgoing.next_within(5s).value(), factory)) return 1;
    outgoing.close();

    auto orders = factory.receive("factory.orders");
    bus::Delivery order = orders.next_within(5s).value();
    const bool has_id = order.message().header("bridged-id").has_value();
    std::cout << "the factory has " << *order.message().header("key") << ": " << order.payload()
              << (has_id ? ", with the id it had in the office\n" : "\n");
    order.ack();
}
