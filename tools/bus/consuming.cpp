#include "consuming.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <iostream>
#include <limits>

#include "command.h"
#include "figures.h"
#include "gap_text.h"
#include "interruption.h"
#include "progress.h"

namespace bus::cli {
namespace {

using namespace std::chrono_literals;

// Written out and acknowledged together.
constexpr std::size_t fetch_at_most = 1024;
constexpr std::uint64_t message_bytes_most = 1 << 30;

enum class Wake { message, silence, interrupted };

Wake wait_for(Consumer& consumer, const Interruption& interruption, double silence_seconds) {
    const double millis = std::min(silence_seconds * 1000, 1e9);
    pollfd fds[2] = {{consumer.fd(), POLLIN, 0}, {interruption.fd(), POLLIN, 0}};
    int ready = 0;
    do ready = ::poll(fds, 2, millis < 0 ? -1 : static_cast<int>(std::ceil(millis)));
    while (ready < 0 && errno == EINTR);
    if (fds[1].revents != 0) return Wake::interrupted;
    return ready == 0 ? Wake::silence : Wake::message;
}

class Consuming {
  public:
    Consuming(const ConsumingOptions& options, const Interruption& interruption, Consumer& consumer)
        : options_(options),
          interruption_(interruption),
          consumer_(consumer),
          writer_(options.format) {}

    void run() {
        while (!has_enough()) {
            switch (wait_for(consumer_, interruption_, options_.silence_seconds)) {
                case Wake::message:
                    take();
                    break;
                case Wake::silence:
                    return end_in_silence();
                case Wake::interrupted:
                    end_interrupted();
            }
            progress_.update([this] { return progress_line(); });
        }
    }

  private:
    bool has_enough() const { return options_.count > 0 && received_ >= options_.count; }

    void take() {
        std::size_t most = fetch_at_most;
        if (options_.count > 0) most = std::min<std::uint64_t>(most, options_.count - received_);
        std::vector<Delivery> deliveries = consumer_.fetch(most, 0ms);
        tell_gap(consumer_);
        if (deliveries.empty() && !consumer_.is_open())
            throw Failure(ExitCode::failed,
                          fmt::format("{}: {}", options_.channel, consumer_.why()));
        std::erase_if(deliveries, [this](Delivery& delivery) { return !write(delivery); });
        progress_.clear();
        writer_.flush();
        // A stale one comes again; it is counted here all the same, for it was written out.
        for (Delivery& delivery : deliveries) (void)delivery.ack();
        received_ += deliveries.size();
    }

    // false: it broke off, and comes again.
    bool write(Delivery& delivery) {
        if (delivery.missed() > 0)
            std::cerr << fmt::format("bus: {} missing on {} before {}\n",
                                     counted(delivery.missed(), "message"),
                                     delivery.message().channel(), delivery.message().id());
        return writer_.add(delivery, interruption_);
    }

    void end_in_silence() const {
        if (options_.count > 0)
            throw Failure(
                ExitCode::too_few,
                fmt::format("{} of {} messages came, then nothing for {} s", grouped(received_),
                            grouped(options_.count), significant(options_.silence_seconds)));
    }

    [[noreturn]] void end_interrupted() {
        progress_.clear();
        std::cerr << fmt::format("bus: interrupted: {} written out and acknowledged\n",
                                 counted(received_, "message"));
        throw Interrupted{};
    }

    std::string progress_line() const { return fmt::format("{} received", grouped(received_)); }

    const ConsumingOptions& options_;
    const Interruption& interruption_;
    Consumer& consumer_;
    MessageWriter writer_;
    Progress progress_;
    std::uint64_t received_ = 0;
};

}  // namespace

void ConsumingOptions::add_options(Command& command) {
    command.add_option("--count", count, "End after so many messages")
        ->check(whole_number_above_zero())
        ->type_name("N");
    command.add_option("--timeout", silence_seconds, "End after so long a silence")
        ->check(number_not_below_zero())
        ->type_name("SECONDS");
    command
        .add_duration("--ack-deadline", ack_deadline,
                      "What is not acknowledged after so long is handed out again, here or "
                      "elsewhere: 30s, 5m")
        ->check(duration_within(100ms, 24h));
    command.add_option("--rate", rate, "So many messages a second at most")
        ->check(whole_number_above_zero())
        ->type_name("N");
    exec.add_options(command, MessageWriter::add_option(command, format));
    attachment.add_options(command);
}

SubscribeOptions ConsumingOptions::subscribe_options() const {
    // What is run for it, or written as JSON, has it whole.
    const bool whole = !exec.command.empty() || format == MessageWriter::Format::json;
    SubscribeOptions how{.durable = durable,
                         .group = group,
                         .last = last,
                         .ack_deadline = ack_deadline,
                         .rate = rate,
                         .in_parts = !whole,
                         .whole_bytes_max = message_bytes_most,
                         .timeout = 0ms};
    if (!exec.command.empty()) how.prefetch_messages = exec.concurrency;
    if (count > 0 && count < how.prefetch_messages)
        how.prefetch_messages = static_cast<std::uint32_t>(count);
    return how;
}

void consume(const ConsumingOptions& options, const Interruption& interruption,
             const OpenConsumer& open) {
    const Connection bus{options.attachment.connect_options()};
    Consumer consumer = open(bus, options.subscribe_options());
    options.attachment.await_agent(bus, interruption);
    if (options.exec.command.empty()) return Consuming{options, interruption, consumer}.run();
    execute({.options = options.exec,
             .channel = options.channel,
             .runtime = options.attachment.runtime,
             .count = options.count,
             .silence_seconds = options.silence_seconds},
            interruption, consumer);
}

}  // namespace bus::cli
