// Readings on topics, and someone who listens to all of one plant's. Both ends
// are in one program here; run them on two hosts and nothing changes.
#include <bus/bus.h>

#include <cstdio>

int main() {
    bus::Connection bus;  // the host's agent: $BUS_RUNTIME or the default folder

    auto readings = bus.subscribe("plant7.**");
    bus.publish("plant7.temperature", "21.5");
    bus.publish("plant7.line2.pressure", "0.98");
    bus.publish("plant8.temperature", "19.0");  // nobody listens to plant 8

    int left = 2;
    for (bus::Delivery d : readings) {
        std::printf("%.*s = %.*s\n", static_cast<int>(d.message().channel().size()),
                    d.message().channel().data(), static_cast<int>(d.payload().size()),
                    d.payload().data());
        (void)d.ack();
        if (--left == 0) break;
    }
}
