// Request-Reply: a till asks what an article costs, and waits for the answer. Any
// number of programs may serve the prices, on whatever host: one of them gets the
// request, the till's own host first. Nothing goes to a disk; when nobody answers in
// time, or nobody can, the till hears why.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

// What it returns is the answer, what it throws is the error of whoever asked.
std::string price_of(const bus::Message& request) {
    static const std::map<std::string_view, std::string> prices{{"tea", "3.20"}, {"pot", "19.90"}};
    const auto price = prices.find(request.payload());
    if (price == prices.end()) throw std::runtime_error{"not in our shop"};
    return price->second;
}

void ask(const bus::Connection& till, const char* article) {
    try {
        const auto price = till.request("prices", article, {.timeout = 5s});
        std::cout << article << ": " << price.payload() << "\n";
    } catch (const bus::RequestError& error) {
        std::cout << article << ": no price, " << bus::to_text(error.why()) << ": " << error.what()
                  << "\n";
    }
}

}  // namespace

int main() {
    bus::Connection till, office;
    ask(till, "tea");  // too early

    bus::Service prices = office.serve("prices", price_of, {.threads = 2});
    ask(till, "tea");
    ask(till, "spoon");

    // Many at a time: ask first, wait later.
    const bus::PendingReply tea = till.begin_request("prices", "tea");
    const bus::PendingReply pot = till.begin_request("prices", "pot");
    std::cout << "tea and pot: " << tea.get().payload() << " + " << pot.get().payload() << "\n";

    prices.close();
    ask(till, "pot");
}
