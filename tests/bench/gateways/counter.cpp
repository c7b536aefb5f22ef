// Takes all that comes on a filter and says twenty times a second how many messages that were, how
// many came again with a mark and without, and how old they are, at the median and the 99th
// percentile of those since the line before:
//
//     ready
//     {"got": 12000, "distinct": 12000, "repeated": 0, "doubled": 0, "p50_micros": 900, ...}
//
//     counter FILTER       ends with SIGTERM; BUS_RUNTIME names the agent
#include <bus/bus.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <string>
#include <unordered_set>
#include <vector>

namespace {

using namespace std::chrono_literals;

std::atomic<bool> stopping = false;

std::uint64_t wall_micros() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
}

class Counter {
  public:
    void take(const bus::Delivery& delivery, std::uint64_t now) {
        ++got_;
        const bool is_new = seen_.insert(std::hash<std::string>{}(delivery.message().id())).second;
        if (!is_new) ++(delivery.redelivered() ? repeated_ : doubled_);
        ages_.push_back(now - std::min(now, delivery.message().created_micros()));
    }
    void report() {
        if (ages_.empty()) return;
        std::sort(ages_.begin(), ages_.end());
        fmt::print(R"({{"got": {}, "distinct": {}, "repeated": {}, "doubled": {}, )"
                   R"("p50_micros": {}, "p99_micros": {}}})"
                   "\n",
                   got_, seen_.size(), repeated_, doubled_, ages_[ages_.size() / 2],
                   ages_[ages_.size() * 99 / 100]);
        std::fflush(stdout);
        ages_.clear();
    }

  private:
    std::uint64_t got_ = 0;
    std::uint64_t repeated_ = 0, doubled_ = 0;  // came again with a mark; without
    std::unordered_set<std::size_t> seen_;      // hashes of ids
    std::vector<std::uint64_t> ages_;
};

void count(const char* filter) {
    const bus::Connection bus{{.app = "counter"}};
    auto subscription = bus.subscribe(filter, {});
    fmt::print("ready\n");
    std::fflush(stdout);
    Counter counter;
    auto report_due = std::chrono::steady_clock::now();
    while (!stopping) {
        auto deliveries = subscription.fetch(4096, 50ms);
        const auto now = wall_micros();
        for (auto& delivery : deliveries) {
            counter.take(delivery, now);
            (void)delivery.ack();  // a stale one is no error: the message comes again, marked
        }
        if (std::chrono::steady_clock::now() < report_due) continue;
        report_due = std::chrono::steady_clock::now() + 50ms;
        counter.report();
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: counter FILTER\n";
        return 2;
    }
    std::signal(SIGTERM, [](int) { stopping = true; });
    try {
        count(argv[1]);
    } catch (const std::exception& error) {
        std::cerr << "counter: " << bus::describe(error) << '\n';
        return 1;
    }
}
