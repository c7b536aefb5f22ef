// How far did it get? Three messages, three answers: one that the program
// waits for, one that calls back, and one that reaches nobody.
#include <bus/bus.h>

#include <chrono>
#include <future>
#include <iostream>

using namespace std::chrono_literals;

int main() {
    bus::Connection bus;
    auto orders = bus.receive("orders");

    const bus::Receipt safe = bus.send("orders", "one");
    std::cout << "one: " << bus::to_text(safe.wait(5s)) << ", on disk or already taken over\n";

    std::promise<bus::Outcome> arrived;
    bus.send("orders", "two", {.stage = bus::Stage::arrived})
        .when_ready([&arrived](bus::Outcome outcome) { arrived.set_value(outcome); });
    for (int i = 0; i < 2; ++i)
        if (auto order = orders.next_within(5s)) (void)order->ack();
    std::cout << "two: " << bus::to_text(arrived.get_future().get()) << " every destination\n";

    const bus::Receipt alone = bus.topic("nobody.listens").send("three");
    (void)alone.wait(5s);
    std::cout << "three: " << alone.destinations().value_or(0) << " destinations\n";
}
