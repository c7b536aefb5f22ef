// Durable Subscriber: a pager that must not miss an alarm, also while it is off.
//
// The first subscription under a name begins the collecting, at this host's agent
// and on its disk; it goes on until forget(). Whoever subscribes under that name
// next gets what has come since. An anonymous subscription would end with its
// connection.
#include <bus/bus.h>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

namespace {

const bus::SubscribeOptions as_pager{.durable = "example-pager"};

void show_alarms(bus::Consumer& alarms, int count) {
    for (int i = 0; i < count; ++i) {
        bus::Delivery alarm = alarms.next_within(5s).value();
        std::cout << alarm.message().channel() << ": " << alarm.payload() << "\n";
        alarm.ack();
    }
}

}  // namespace

int main() {
    bus::Connection plant;
    {
        bus::Connection pager;
        auto alarms = pager.subscribe("plant7.alarms.**", as_pager);
        plant.publish("plant7.alarms.pump", "overheated");
        show_alarms(alarms, 1);
    }
    std::cout << "the pager is off\n";
    plant.publish("plant7.alarms.pump", "cooled down");
    plant.publish("plant7.alarms.line2.valve", "stuck");

    bus::Connection pager;
    auto alarms = pager.subscribe("plant7.alarms.**", as_pager);
    std::cout << "the pager is on again\n";
    show_alarms(alarms, 2);
    alarms.forget();  // a pager that is sold: nobody shall collect for it any more
}
