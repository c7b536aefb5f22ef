// Sends numbered messages, as fast as it may or at a rate, until SIGTERM or a count, and says on
// standard output what it has receipts for. Only what stands there counts: the test may kill it at
// any moment.
//
//     safe FIRST LAST       receipts for these have come
//     failed INDEX WHY      this one was taken and will not arrive
//     held INDEX WHY        no room for it in time; it is tried again
//     wanted                somebody wants the channel (--wait-for-destination)
//     done COUNT            all that were taken are decided
#include <bus/bus.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <deque>
#include <iostream>
#include <string>
#include <thread>

#include "content.h"
#include "report.h"
#include "stopping.h"

using namespace std::chrono_literals;

namespace bus::fault {
namespace {

struct Job {
    std::string kind, channel;
    std::uint64_t run = 0, count = 0;
    std::uint64_t size = 100, large_every = 0, large_size = 5 * 1024 * 1024;
    std::uint32_t batch = 0;
    std::size_t window = 20'000;
    std::uint64_t rate = 0;
    bool wait_for_destination = false;
    std::string stage = "safe";
};

class Producer {
  public:
    explicit Producer(const Job& job)
        : job_(job),
          bus_({.app = "fault-producer", .batch_messages_max = job.batch}),
          channel_(job.kind == "queue" ? bus_.queue(job.channel) : bus_.topic(job.channel)),
          stage_(job.stage == "arrived" ? Stage::arrived : Stage::safe) {}

    void run() {
        if (job_.wait_for_destination) wait_for_destination();
        while (!stopping && (job_.count == 0 || next_ < job_.count)) {
            if (job_.rate > 0) wait_for_turn();
            send_one();
            if (receipts_.size() >= job_.window) wait_for_front();
            if (next_ % 64 == 0) take_decided();
        }
        while (!receipts_.empty()) wait_for_front();
        report("done " + std::to_string(next_) + "\n");
    }

  private:
    // Until its agent knows somebody who wants the channel, the first message is for nobody.
    void wait_for_destination() {
        while (!stopping && !has_destination()) std::this_thread::sleep_for(20ms);
        report("wanted\n");
    }

    bool has_destination() {
        send_one();
        if (receipts_.empty()) return false;
        const bool reached = receipts_.back().wait(30s) == Outcome::reached;
        if (reached && receipts_.back().destinations() != 0u) return true;
        receipts_.pop_back();
        --next_;
        return false;
    }

    std::uint64_t size_of(std::uint64_t index) const {
        const bool large = job_.large_every > 0 && index % job_.large_every == job_.large_every / 2;
        if (large) return job_.large_size;
        return sizeof(Content) + scrambled(index) % (2 * (job_.size - sizeof(Content)) + 1);
    }

    // What is late is caught up with.
    void wait_for_turn() const {
        std::this_thread::sleep_until(begin_ + std::chrono::nanoseconds{1s} * next_ / job_.rate);
    }

    void send_one() {
        write_content({job_.run, next_, size_of(next_)}, payload_);
        try {
            receipts_.push_back(channel_.send(payload_, {.stage = stage_, .timeout = 500ms}));
            ++next_;
        } catch (const Error& error) {
            report("held " + std::to_string(next_) + " " + error.what() + "\n");
            take_decided();
        }
    }

    void wait_for_front() {
        while (receipts_.front().wait(200ms) == Outcome::pending) continue;
        take_decided();
    }

    void take_decided() {
        const auto first = decided_;
        while (!receipts_.empty() && receipts_.front().now() == Outcome::reached) pop();
        if (decided_ > first)
            report("safe " + std::to_string(first) + " " + std::to_string(decided_ - 1) + "\n");
        if (!receipts_.empty()) report_if_failed(receipts_.front());
    }

    void report_if_failed(const Receipt& receipt) {
        const auto outcome = receipt.now();
        if (outcome == Outcome::pending || outcome == Outcome::reached) return;
        report("failed " + std::to_string(decided_) + " " + to_text(outcome) + " " +
               receipt.reason() + "\n");
        pop();
    }

    void pop() {
        receipts_.pop_front();
        ++decided_;
    }

    const Job job_;
    Connection bus_;
    const Channel channel_;
    const Stage stage_;
    const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::string payload_;
    std::deque<Receipt> receipts_;  // of the messages decided_ to next_ - 1
    std::uint64_t decided_ = 0, next_ = 0;
};

Job read_job(int argc, char** argv) {
    Job job;
    CLI::App app{"sends numbered messages"};
    app.add_option("kind", job.kind)->required()->check(CLI::IsMember({"topic", "queue"}));
    app.add_option("channel", job.channel)->required();
    app.add_option("run", job.run, "tells this run from others")->required();
    app.add_option("--count", job.count, "0: until SIGTERM");
    app.add_option("--size", job.size, "bytes, on average")->check(CLI::Range(32, 32'000));
    app.add_option("--large-every", job.large_every, "one in so many is in parts; 0: none");
    app.add_option("--large-size", job.large_size, "its bytes");
    app.add_option("--batch", job.batch, "messages in a batch at most; 0: as many as fit");
    app.add_option("--window", job.window, "messages without a receipt at most");
    app.add_option("--rate", job.rate, "messages a second; 0: as fast as it may");
    app.add_flag("--wait-for-destination", job.wait_for_destination,
                 "begin when somebody wants the channel");
    app.add_option("--stage", job.stage)->check(CLI::IsMember({"safe", "arrived"}));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        std::exit(app.exit(wrong));
    }
    return job;
}

}  // namespace
}  // namespace bus::fault

int main(int argc, char** argv) {
    using namespace bus::fault;
    const Job job = read_job(argc, argv);
    stop_on_sigterm();
    try {
        Producer{job}.run();
    } catch (const std::exception& error) {
        std::cerr << "fault_producer: " << bus::describe(error) << '\n';
        return 1;
    }
}
