// Takes what comes, verifies every byte of it, says so on standard output and only then
// acknowledges it. The test may kill it at any moment: what stands there was received.
//
//     ready                     the agent has agreed to the subscription
//     got RUN FIRST LAST MARK   a row of messages; MARK is 1 if they were marked redelivered
//     missed RUN INDEX COUNT    a gap was reported before this one
//     damaged ID                these bytes nobody sent
//     end                       closed after SIGTERM
#include <bus/bus.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <string>

#include "content.h"
#include "report.h"
#include "stopping.h"

using namespace std::chrono_literals;

namespace bus::fault {
namespace {

constexpr std::uint64_t whole_bytes = 1 << 30;

// Joins messages that follow each other into one line.
class Rows {
  public:
    void add(std::uint64_t run, std::uint64_t index, bool marked) {
        if (any_ && run == run_ && index == last_ + 1 && marked == marked_) {
            last_ = index;
            return;
        }
        close();
        any_ = true;
        run_ = run;
        first_ = last_ = index;
        marked_ = marked;
    }
    void say(const std::string& line) {
        close();
        text_ += line + "\n";
    }
    void write_out() {
        close();
        report(text_);
        text_.clear();
    }

  private:
    void close() {
        if (any_)
            text_ += "got " + std::to_string(run_) + " " + std::to_string(first_) + " " +
                     std::to_string(last_) + (marked_ ? " 1\n" : " 0\n");
        any_ = false;
    }

    bool any_ = false, marked_ = false;
    std::uint64_t run_ = 0, first_ = 0, last_ = 0;
    std::string text_;
};

void look_at(const Delivery& delivery, std::string& scratch, Rows& rows) {
    const auto content = read_content(delivery.payload(), scratch);
    if (!content) return rows.say("damaged " + delivery.message().id());
    if (delivery.missed() > 0)
        rows.say("missed " + std::to_string(content->run) + " " + std::to_string(content->index) +
                 " " + std::to_string(delivery.missed()));
    rows.add(content->run, content->index, delivery.redelivered());
}

void consume(Consumer& consumer) {
    Rows rows;
    std::string scratch;
    report("ready\n");
    while (!stopping) {
        auto deliveries = consumer.fetch(1024, 100ms);
        for (const auto& delivery : deliveries) look_at(delivery, scratch, rows);
        rows.write_out();
        // A stale acknowledgement is no error: the message comes again, marked.
        for (auto& delivery : deliveries) (void)delivery.ack();
    }
    report("end\n");
}

}  // namespace
}  // namespace bus::fault

int main(int argc, char** argv) {
    using namespace bus::fault;
    std::string kind, channel, durable;
    CLI::App app{"takes numbered messages"};
    app.add_option("kind", kind)->required()->check(CLI::IsMember({"topic", "queue"}));
    app.add_option("channel", channel, "a filter or a queue")->required();
    app.add_option("--durable", durable, "the name of the durable subscription");
    CLI11_PARSE(app, argc, argv);
    stop_on_sigterm();
    try {
        const bus::Connection bus{{.app = "fault-consumer"}};
        auto consumer = kind == "queue"
                            ? bus.receive(channel, {.whole_bytes_max = whole_bytes, .timeout = 30s})
                            : bus.subscribe(channel, {.durable = durable,
                                                      .whole_bytes_max = whole_bytes,
                                                      .timeout = 30s});
        consume(consumer);
    } catch (const std::exception& error) {
        std::cerr << "fault_consumer: " << bus::describe(error) << '\n';
        return 1;
    }
}
