// Message Dispatcher: one consumer takes the orders and gives them to threads, each
// with customers of its own, so that the orders of one customer are worked on one
// after the other, and customers beside each other.
//
// A Delivery may move to another thread and be acknowledged there, in any order. The
// prefetch bounds what waits between dispatcher and threads: no bound of our own.
#include <bus/bus.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

// A thread with a line of deliveries before it; its end waits until all are done.
class Performer {
  public:
    void give(bus::Delivery order) {
        const std::lock_guard lock{mutex_};
        line_.push_back(std::move(order));
        changed_.notify_one();
    }
    const std::map<std::string, std::string>& finish() {
        thread_.request_stop();
        thread_.join();
        return done_;
    }

  private:
    void work(const std::stop_token& stop) {
        for (std::unique_lock lock{mutex_};
             changed_.wait(lock, stop, [this] { return !line_.empty(); });) {
            bus::Delivery order = std::move(line_.front());
            line_.pop_front();
            lock.unlock();
            const std::string customer{order.message().header("key").value()};
            done_[customer] += " " + std::string{order.payload()};
            order.ack();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<bus::Delivery> line_;
    std::map<std::string, std::string> done_;  // its thread's until finish()
    std::jthread thread_{[this](const std::stop_token& stop) { work(stop); }};
};

}  // namespace

int main() {
    bus::Connection bus;
    for (const char* order : {"open", "change", "pay", "close"})
        for (const char* customer : {"Ada", "Grace", "Edsger"})
            bus.queue("accounts").publish(order, {.key = customer});

    std::array<Performer, 2> performers;
    auto orders = bus.receive("accounts", {.prefetch_messages = 8});
    for (int i = 0; i < 12; ++i) {
        bus::Delivery order = orders.next_within(5s).value();
        const std::string_view customer = order.message().header("key").value();
        performers[std::hash<std::string_view>{}(customer) % 2].give(std::move(order));
    }
    std::map<std::string, std::string> done;
    for (Performer& performer : performers) done.merge(std::map{performer.finish()});
    for (const auto& [customer, work] : done) std::cout << customer << ":" << work << "\n";
}
