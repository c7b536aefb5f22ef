// Dead Letter Channel, and who tends it: a consumer rejects what it cannot work
// on, an operator's program looks at what lies there, gives back what may work
// now and does away with the rest.
#include <bus/bus.h>

#include <iostream>

namespace {

constexpr auto patience = std::chrono::seconds{10};

// The currency service does not know all currencies today.
void book(bus::Consumer& payments, int count, std::string_view unknown) {
    for (int i = 0; i < count; ++i) {
        auto payment = payments.next_within(patience);
        if (!payment) throw bus::Error{"no payment came"};
        const bool is_known = unknown.empty() || !payment->payload().ends_with(unknown);
        if (is_known) std::cout << "booked: " << payment->payload() << '\n';
        is_known ? payment->ack() : payment->reject("unknown currency");
    }
}

// Rejected, it is a dead letter as soon as that is on disk.
std::vector<bus::DeadLetter> wait_for(const bus::DeadLetters& dead, std::size_t count) {
    for (;;) {
        auto letters = dead.list({.channel = "desk.payments", .reason = "currency"});
        if (letters.size() >= count) return letters;
    }
}

}  // namespace

int main() {
    const bus::Connection bus;
    auto payments = bus.receive("desk.payments");
    for (const char* text : {"10 EUR", "20 XAU", "30 USD", "40 XAU"})
        (void)bus.send("desk.payments", text).wait(patience);
    book(payments, 4, "XAU");

    const bus::DeadLetters dead{bus};
    const auto letters = wait_for(dead, 2);
    for (const auto& letter : letters)
        std::cout << "dead: " << letter.channel << ", " << letter.reason << '\n';

    std::cout << "given back: " << dead.retry({.ids = {letters.front().id}}).messages << '\n';
    book(payments, 1, "");
    std::cout << "purged: " << dead.purge({.channel = "desk.**"}).messages << '\n';
}
