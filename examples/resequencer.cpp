// Resequencer: workers translate the pages of a book, some pages take longer, and
// so they come back in another order than they left. The resequencer puts them
// in order again.
//
// Pages that are early are kept as deliveries, unacknowledged: the bus still
// answers for them. So the consumer's prefetch bounds how far ahead a page may be,
// and must be larger than the number of pages that are under way. Within one
// producer, channel and priority the bus keeps the order by itself.
#include <bus/bus.h>

#include <chrono>
#include <iostream>
#include <map>
#include <string>

using namespace std::chrono_literals;

namespace {

class Resequencer {
  public:
    // Passes on the page and all that waited for it.
    void add(const bus::Connection& bus, bus::Delivery page) {
        const int number = std::stoi(std::string{page.message().header("page").value()});
        early_.emplace(number, std::move(page));
        while (!early_.empty() && early_.begin()->first == next_) {
            bus::Delivery& ready = early_.begin()->second;
            const auto receipt = bus.send("book.translated", ready.payload());
            if (receipt.wait(5s) != bus::Outcome::reached) return;  // when the next page comes
            ready.ack();
            early_.erase(early_.begin());
            ++next_;
        }
    }

  private:
    int next_ = 1;
    std::map<int, bus::Delivery> early_;  // by page
};

}  // namespace

int main() {
    bus::Connection bus;
    for (const int page : {3, 1, 2, 5, 4}) {
        const std::string number = std::to_string(page);
        const bus::Header header{"page", number};
        bus.queue("book.pages").publish("page " + number, {.headers = {&header, 1}});
    }

    auto pages = bus.receive("book.pages", {.prefetch_messages = 100});
    Resequencer resequencer;
    for (int i = 0; i < 5; ++i) resequencer.add(bus, pages.next_within(5s).value());

    auto book = bus.receive("book.translated");
    for (int i = 0; i < 5; ++i) {
        bus::Delivery page = book.next_within(5s).value();
        std::cout << page.payload() << "\n";
        page.ack();
    }
}
