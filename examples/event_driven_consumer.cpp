// Event-Driven Consumer: a heating control that waits for whatever comes first, a
// message or its own button, in the poll loop that it has anyway.
//
// fd() is readable when there is something to take; then everything is taken, for it
// may be told only once. Where a program has nothing else to wait for, a thread in
// `for (bus::Delivery d : consumer)` is simpler: see publish_subscribe.cpp.
#include <bus/bus.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <iostream>

using namespace std::chrono_literals;

namespace {

// Returns false when someone pressed "off".
bool read_button(int button) {
    std::array<char, 1> pressed{};
    return ::read(button, pressed.data(), pressed.size()) == 1 && pressed[0] != '0';
}

}  // namespace

int main() {
    std::array<int, 2> button{};  // stands for the device: what is written is pressed
    if (::pipe(button.data()) != 0) return 1;

    bus::Connection bus;
    auto wishes = bus.subscribe("house.*.wish");
    bus.publish("house.kitchen.wish", "19");
    bus.publish("house.bath.wish", "23");

    std::array<pollfd, 2> sources{{{wishes.fd(), POLLIN, 0}, {button[0], POLLIN, 0}}};
    int rooms = 0;
    for (bool on = true; on && ::poll(sources.data(), sources.size(), 10'000) > 0;) {
        if (sources[1].revents != 0) on = read_button(button[0]);
        if (sources[0].revents == 0) continue;
        while (auto wish = wishes.next_within(0ms)) {
            std::cout << wish->message().channel() << ": " << wish->payload() << " degrees\n";
            wish->ack();
            if (++rooms == 2 && ::write(button[1], "0", 1) != 1) return 1;
        }
    }
    std::cout << "off\n";
}
