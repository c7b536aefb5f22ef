// The ends of a large message: a program that writes it part by part, and one that reads it so.
// Each run of the producer is one message of `size` bytes.
#include <bus/bus.h>

#include <chrono>
#include <cstring>
#include <vector>

#include "bench/dialogue.h"
#include "bench/role.h"

namespace bus::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto room_patience = 120s;
constexpr auto safe_patience = 600s;
constexpr std::size_t piece_bytes = 256 * 1024;

ConnectOptions options_of(const Role& role) {
    return {.runtime = role.runtime, .app = "bus-bench"};
}

// True: all of it is safe.
bool write_message(const Channel& channel, std::uint64_t bytes) {
    const std::vector<std::byte> piece(std::min<std::uint64_t>(bytes, piece_bytes));
    auto out = channel.open_stream(bytes, {.timeout = room_patience});
    while (out.written() < bytes)
        out.write(Payload{
            std::span{piece}.first(std::min<std::uint64_t>(piece.size(), bytes - out.written()))});
    return out.finish().wait(safe_patience) == Outcome::reached;
}

std::uint64_t read_message(Delivery& message) {
    std::vector<std::byte> piece(piece_bytes);
    std::uint64_t bytes = 0;
    while (const std::size_t got = message.read(piece, room_patience)) bytes += got;
    (void)message.ack();
    return bytes;
}

}  // namespace

void run_stream_producer(const Role& role) {
    const Connection bus{options_of(role)};
    const Channel channel = bus.queue(role.channel);
    write_message(channel, 1);  // the probe
    say("ready");
    std::uint64_t total = 0;
    while (hear()) {
        const std::int64_t first = now_nanos();
        const bool safe = write_message(channel, role.size);
        const std::int64_t last = now_nanos();
        say(to_line(Sent{.messages = 1,
                         .total = ++total,
                         .not_safe = safe ? 0u : 1u,
                         .first_nanos = first,
                         .last_nanos = last,
                         .safe_nanos = last}));
    }
}

void run_stream_consumer(const Role& role) {
    const Connection bus{options_of(role)};
    Consumer consumer = bus.receive(role.channel, {.in_parts = true});
    say("ready");
    if (auto probe = consumer.next_within(room_patience)) read_message(*probe);
    say("probe");
    Received result;
    while (const auto line = hear()) {
        const Expect expect = expect_from(*line);
        while (result.distinct < expect.total) {
            auto message = consumer.next_within(std::chrono::seconds{expect.patience_seconds});
            if (!message) break;
            if (read_message(*message) == role.size) ++result.distinct;
            result.last_nanos = now_nanos();
        }
        say(to_line(result));
    }
}

}  // namespace bus::bench
