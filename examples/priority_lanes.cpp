// Priorities: an emergency call overtakes the paperwork that waits before it.
//
// There are three, each with an order of its own. What is low does not starve: of
// seven turns high has four, normal two and low one. Priority decides among what
// waits; what a consumer has been handed already is not overtaken, so one that
// cares keeps its prefetch small.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

int main() {
    bus::Connection bus;
    const bus::Channel calls = bus.queue("hospital.calls");
    for (int form = 1; form <= 3; ++form)
        calls.publish("form " + std::to_string(form), {.priority = bus::Priority::low});
    calls.publish("visit in room 4");
    calls.publish("heart attack in room 9", {.priority = bus::Priority::high});
    if (bus.flush(5s) != 0) return 1;  // all wait at the agent now

    auto doctor = bus.receive("hospital.calls", {.prefetch_messages = 1});
    for (int i = 0; i < 5; ++i) {
        bus::Delivery call = doctor.next_within(5s).value();
        std::cout << bus::to_text(call.message().priority()) << ": " << call.payload() << "\n";
        call.ack();
    }
}
