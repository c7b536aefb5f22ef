// Routing Slip and Message History: an application for a permit carries the list of
// the offices that it has to visit, and each writes into it that it was there.
//
// No office knows the others or the whole procedure; who begins it decides. Both
// lists are headers, so the payload stays as it was sent. Compare with Pipes and
// Filters, where each step knows the channel behind it.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

using namespace std::chrono_literals;

namespace {

// Forwards to the first channel of the slip, which is taken off it.
bus::Receipt send_on(const bus::Connection& bus, bus::Payload payload, std::string_view slip,
                     std::string_view history) {
    const auto end = slip.find(' ');
    const std::string_view next = slip.substr(0, end);
    const std::string_view rest = end == slip.npos ? "" : slip.substr(end + 1);
    const bus::Header headers[] = {{"slip", rest}, {"history", history}};
    return bus.send(next, payload, {.headers = headers});
}

// What every office does.
void visit(const bus::Connection& bus, std::string_view office) {
    auto desk = bus.receive(office);
    bus::Delivery paper = desk.next_within(5s).value();
    const bus::Message& message = paper.message();
    const std::string history =
        std::string{message.header("history").value()} + std::string{office} + " ";
    const auto receipt = send_on(bus, message.bytes(), message.header("slip").value(), history);
    if (receipt.wait(5s) == bus::Outcome::reached) paper.ack();
}

}  // namespace

int main() {
    bus::Connection bus;
    (void)send_on(bus, "a bench in the garden", "office.stamp office.sign permits", "");
    (void)send_on(bus, "a tower", "office.fire office.stamp office.sign permits", "");

    visit(bus, "office.fire");
    for (int i = 0; i < 2; ++i) visit(bus, "office.stamp");
    for (int i = 0; i < 2; ++i) visit(bus, "office.sign");

    auto permits = bus.receive("permits");
    for (int i = 0; i < 2; ++i) {
        bus::Delivery permit = permits.next_within(5s).value();
        std::cout << permit.payload() << ": " << permit.message().header("history").value() << "\n";
        permit.ack();
    }
}
