// Idempotent Receiver, in memory: a turnstile counts visitors, and a visitor who is
// reported twice is counted once.
//
// The bus delivers at least once. What may have been handled before, because its
// consumer died or lost its agent before it acknowledged, comes again marked
// redelivered. The deduplicator knows the messages by their ids and needs no field
// of yours. After a restart of the program it is empty, as the count is; where the
// count survives, the deduplicator must as well: idempotent_billing.cpp.
#include <bus/bus.h>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

int main() {
    bus::Connection bus;
    for (const char* visitor : {"Ada", "Grace", "Edsger"}) bus.queue("visitors").publish(visitor);
    if (bus.flush(5s) != 0) return 1;  // all wait at the agent now

    bus::Deduplicator seen;
    int visitors = 0, acknowledged = 0;
    bool power_has_failed = false;
    auto arrivals = bus.receive("visitors");
    while (acknowledged < 3) {
        bus::Delivery visitor = arrivals.next_within(5s).value();
        const bool first = seen.first_time(visitor.message());
        if (first) ++visitors;
        std::cout << visitor.payload() << (visitor.redelivered() ? ", again" : "")
                  << (first ? ": counted\n" : ": known already\n");
        if (visitor.payload() == "Grace" && !power_has_failed) {
            power_has_failed = true;
            continue;  // counted, and never acknowledged: the bus must hand it out again
        }
        visitor.ack();
        ++acknowledged;
    }
    std::cout << visitors << " visitors\n";
}
