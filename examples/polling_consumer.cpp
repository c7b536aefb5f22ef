// Polling Consumer: a job that runs now and then, takes what there is in portions,
// and leaves. What it has not acknowledged, or never fetched, waits for the next run.
//
// Each portion is worked on as one (a single INSERT, say) and acknowledged as one.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

int main() {
    bus::Connection bus;
    const bus::Channel queue = bus.queue("invoices.to-print");
    for (int invoice = 1; invoice <= 25; ++invoice) queue.publish(std::to_string(invoice));

    auto invoices = bus.receive("invoices.to-print", {.prefetch_messages = 10});
    int sum = 0;
    for (int printed = 0; printed < 25;) {
        // At most 10; fewer when no more are there yet, none when nothing came in time.
        auto portion = invoices.fetch(10, 5s);
        if (portion.empty()) break;
        for (const bus::Delivery& invoice : portion)
            sum += std::stoi(std::string{invoice.payload()});
        printed += static_cast<int>(portion.size());
        portion.back().ack_through();  // this one, and all before it
    }
    std::cout << "the numbers of all that were printed add up to " << sum << "\n";
}
