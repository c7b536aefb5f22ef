// The ends of the path through the bus: a producer and a consumer that use libbus as any program
// does.
#include <bus/bus.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <vector>

#include "bench/dialogue.h"
#include "bench/pace.h"
#include "bench/role.h"
#include "bench/tally.h"

namespace bus::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto room_patience = 120s;
constexpr auto safe_patience = 120s;
constexpr std::size_t fetch_at_most = 4096;
constexpr auto look_at_input = 20ms;  // while nothing comes

// What finds no room is lost.
constexpr SubscribeOptions prefetch_most{.prefetch_messages = 1'000'000,
                                         .prefetch_bytes = 16 << 20};

ConnectOptions options_of(const Role& role) {
    return {
        .runtime = role.runtime, .app = "bus-bench", .batch_messages_max = role.single ? 1u : 0u};
}

class BusProducer {
  public:
    explicit BusProducer(const Role& role)
        : bus_(options_of(role)),
          channel_(role.best_effort ? bus_.topic(role.channel) : bus_.queue(role.channel)),
          how_{.best_effort = role.best_effort, .timeout = room_patience},
          payload_(role.size) {}

    void probe() { publish({.index = probe_index}); }

    Sent carry_out(const Run& run) {
        Pace pace{run};
        while (pace.wait()) publish({.index = total_++, .intended_nanos = pace.intended_nanos()});
        const std::int64_t last = now_nanos();
        const std::size_t not_safe = bus_.flush(safe_patience);
        return {.messages = pace.messages(),
                .total = total_,
                .not_safe = not_safe,
                .first_nanos = pace.first_nanos(),
                .last_nanos = last,
                .safe_nanos = now_nanos()};
    }

  private:
    void publish(const Stamp& stamp) {
        std::memcpy(payload_.data(), &stamp, sizeof stamp);
        channel_.publish(payload_, how_);
    }

    Connection bus_;
    Channel channel_;
    const PublishOptions how_;
    std::vector<std::byte> payload_;
    std::uint64_t total_ = 0;
};

class BusConsumer {
  public:
    explicit BusConsumer(const Role& role)
        : bus_(options_of(role)),
          consumer_(role.best_effort ? bus_.subscribe(role.channel, prefetch_most)
                                     : bus_.receive(role.channel)) {}

    // Takes what is there, or comes within the patience. False: nothing.
    bool receive(std::chrono::milliseconds patience) {
        auto deliveries = consumer_.fetch(fetch_at_most, patience);
        if (deliveries.empty()) return false;
        for (Delivery& delivery : deliveries) {
            take(delivery.payload(), delivery.redelivered());
            // Stale means that the agent was away: the message will come again, and be counted.
            (void)delivery.ack();
        }
        result_.last_nanos = now_nanos();
        return true;
    }
    bool has(std::uint64_t total) const { return tally_.distinct() >= total; }
    Received result() {
        result_.distinct = tally_.distinct();
        result_.duplicates = tally_.duplicates();
        result_.duplicates_unmarked = unmarked_;
        Received all = std::move(result_);
        result_ = {.last_nanos = all.last_nanos};
        return all;
    }

  private:
    void take(std::string_view payload, bool redelivered) {
        Stamp stamp;
        if (payload.size() < sizeof stamp) throw Error("a message that the bench has not sent");
        std::memcpy(&stamp, payload.data(), sizeof stamp);
        if (stamp.index == probe_index) return say("probe");
        if (stamp.intended_nanos > 0) result_.latency.record(now_nanos() - stamp.intended_nanos);
        if (!tally_.count(stamp.index) && !redelivered) ++unmarked_;
    }

    Connection bus_;
    Consumer consumer_;
    Tally tally_;
    std::uint64_t unmarked_ = 0;
    Received result_;
};

bool is_told() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, 0) > 0;
}

// One Expect answered; false: standard input has ended.
bool answer_one(BusConsumer& consumer) {
    while (!is_told()) consumer.receive(look_at_input);
    const auto line = hear();
    if (!line) return false;
    const Expect expect = expect_from(*line);
    const std::chrono::seconds patience{expect.patience_seconds};
    while (!consumer.has(expect.total) && consumer.receive(patience)) {
    }
    say(to_line(consumer.result()));
    return true;
}

}  // namespace

void run_bus_producer(const Role& role) {
    BusProducer producer{role};
    producer.probe();
    say("ready");
    while (const auto line = hear()) say(to_line(producer.carry_out(run_from(*line))));
}

void run_bus_consumer(const Role& role) {
    BusConsumer consumer{role};
    say("ready");
    while (answer_one(consumer)) {
    }
}

}  // namespace bus::bench
