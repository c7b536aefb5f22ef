// Scatter-Gather: a shop asks every carrier for its offer and takes the best of those
// that come in time. The carriers serve one and the same service and know nothing of
// each other; one cannot, and says so.
#include <bus/bus.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

bus::Service carrier(const bus::Connection& bus, const std::string& name, int euros_for_a_kilo) {
    return bus.serve("offers", [=](const bus::Message& parcel) -> std::string {
        if (euros_for_a_kilo == 0) throw std::runtime_error{name + " is on holiday"};
        return std::to_string(euros_for_a_kilo * std::stoi(std::string{parcel.payload()})) +
               " euros by " + name;
    });
}

}  // namespace

int main() {
    bus::Connection coach, train, ship, shop;
    const bus::Service services[] = {carrier(coach, "coach", 4), carrier(train, "train", 3),
                                     carrier(ship, "ship", 0)};

    // All three answers, or those that come within the time.
    std::vector<std::string> offers;
    for (const bus::Reply& reply : shop.request_many("offers", "9", 3, {.timeout = 5s})) {
        if (const auto error = reply.error())
            std::cout << "no offer: " << *error << "\n";
        else
            offers.emplace_back(reply.payload());
    }
    std::cout << offers.size()
              << " offers, the best: " << *std::min_element(offers.begin(), offers.end()) << "\n";
}
