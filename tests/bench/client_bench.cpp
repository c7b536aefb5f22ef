// What one message costs in libbus: the publishing side and the consuming side,
// each against a stub agent that only answers. Prints nanoseconds and
// allocations per message. A tool, not a test: it judges nothing.
//
//     client_bench [MESSAGES] [BYTES]
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>

#include "bus/bus.h"
#include "support/sample_batch.h"
#include "wire/envelope.h"
#include "wire/local.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

}  // namespace

void* operator new(std::size_t bytes) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* const memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using Clock = std::chrono::steady_clock;
using namespace bus;

// Answers hello and subscriptions; says safe to every batch; keeps a window of deliveries filled
// for the one subscriber until `to_deliver` messages are on their way.
class Stub {
  public:
    Stub(const std::string& runtime, std::uint64_t to_deliver, std::size_t payload_bytes)
        : socket_(context_, zmq::socket_type::router), left_(to_deliver) {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.set(zmq::sockopt::rcvhwm, 0);
        socket_.set(zmq::sockopt::sndhwm, 0);
        socket_.bind("ipc://" + runtime + "/bus.sock");
        const std::string payload(payload_bytes, 'x');
        const std::size_t fits = 60'000 / (payload_bytes + wire::message_overhead);
        batch_ = bus::test::sample_batch(
            std::vector<bus::test::SampleMessage>(std::max<std::size_t>(fits, 1), {payload}));
        in_batch_ = static_cast<std::uint32_t>(std::max<std::size_t>(fits, 1));
        thread_ = std::thread{[this] { run(); }};
    }
    ~Stub() { thread_.join(); }
    std::uint64_t batches = 0, frames = 0;

  private:
    void run() {
        for (bool open = true; open;) {
            zmq::message_t id, body;
            if (!socket_.recv(id) || !socket_.recv(body)) return;
            app_ = id.to_string();
            ++frames;
            open = answer(body);
        }
    }
    bool answer(const zmq::message_t& body) {
        const Bytes bytes{body.data<std::byte>(), body.size()};
        if (bytes[0] == std::byte{'{'}) return control(body.to_string_view());
        if (const auto data = wire::decode_envelope(bytes)) {
            ++batches;
            send(wire::encode_receipts({.safe_through = data->envelope.number}));
        } else if (const auto acks = wire::decode_acks(bytes)) {
            for (const auto& ack : *acks) on_acked(ack.count);
        }
        return true;
    }
    bool control(std::string_view json) {
        const auto command = wire::decode_command(json);
        if (std::holds_alternative<wire::Bye>(*command)) return false;
        if (std::holds_alternative<wire::Hello>(*command))
            send(as_bytes(wire::encode_reply(wire::Welcome{
                .agent = AgentId{{1, 1}}, .name = "stub", .incarnation = 1, .window = 4 << 20})));
        if (const auto* wish = std::get_if<wire::Subscribe>(&*command)) {
            send(as_bytes(wire::encode_reply(wire::Subscribed{wish->id})));
            consumer_ = wish->id;
            deliver();
        }
        return true;
    }
    void on_acked(std::uint32_t count) {
        on_the_way_ -= count;
        deliver();
    }
    void deliver() {
        while (left_ > 0 && on_the_way_ < 16ull * in_batch_) {
            std::vector<std::byte> frame(wire::envelope_length + batch_.size());
            wire::encode_envelope(
                {.attempt = 1, .number = ++tag_, .messages = in_batch_, .consumer = consumer_},
                frame.data());
            std::copy(batch_.begin(), batch_.end(), frame.begin() + wire::envelope_length);
            send(frame);
            on_the_way_ += in_batch_;
            left_ -= std::min<std::uint64_t>(left_, in_batch_);
        }
    }
    void send(Bytes bytes) {
        socket_.send(zmq::buffer(app_), zmq::send_flags::sndmore);
        socket_.send(zmq::buffer(bytes.data(), bytes.size()));
    }

    zmq::context_t context_{1};
    zmq::socket_t socket_;
    std::string app_;
    std::vector<std::byte> batch_;
    std::uint32_t in_batch_ = 0;
    std::uint64_t left_ = 0, on_the_way_ = 0, tag_ = 0, consumer_ = 0;
    std::thread thread_;
};

double thread_cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Figure {
    const char* name;
    std::uint64_t messages = 0;
    double wall = 0, thread_cpu = 0;
    double allocated = 0;
    double per_batch = 0;
};

void print(const Figure& f) {
    const auto per = [&](double seconds) {
        return seconds * 1e9 / static_cast<double>(f.messages);
    };
    std::printf(
        "%-8s %9.0f thousand/s  %6.0f ns  %6.0f ns of the caller's CPU  %.4f allocations"
        "  %7.1f messages a batch\n",
        f.name, static_cast<double>(f.messages) / f.wall / 1e3, per(f.wall), per(f.thread_cpu),
        f.allocated, f.per_batch);
}

template <class Work>
Figure measure(const char* name, std::uint64_t messages, Work work) {
    const auto allocated = allocations.load();
    const double cpu = thread_cpu_seconds();
    const auto begin = Clock::now();
    work();
    const std::chrono::duration<double> wall = Clock::now() - begin;
    return {.name = name,
            .messages = messages,
            .wall = wall.count(),
            .thread_cpu = thread_cpu_seconds() - cpu,
            .allocated = static_cast<double>(allocations.load() - allocated) /
                         static_cast<double>(messages)};
}

Figure publish(const std::string& runtime, std::uint64_t messages, const std::string& payload) {
    using namespace std::chrono_literals;
    Stub stub{runtime, 0, payload.size()};
    Figure figure;
    {
        bus::Connection app{{.runtime = runtime}};
        for (std::uint64_t i = 0; i < messages / 10; ++i) app.publish("warm.up", payload);
        static_cast<void>(app.flush(10s));
        const auto before = stub.batches;
        figure = measure("publish", messages, [&] {
            for (std::uint64_t i = 0; i < messages; ++i) app.publish("plant7.temperature", payload);
            static_cast<void>(app.flush(10s));
        });
        figure.per_batch =
            static_cast<double>(messages) / static_cast<double>(stub.batches - before);
    }
    return figure;
}

Figure consume(const std::string& runtime, std::uint64_t messages, std::size_t payload_bytes) {
    using namespace std::chrono_literals;
    Stub stub{runtime, messages + messages / 10, payload_bytes};
    bus::Connection app{{.runtime = runtime}};
    auto consumer = app.subscribe("plant7.**");
    const auto take = [&](std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) consumer.next()->ack();
    };
    take(messages / 10);
    const auto before = stub.frames;
    auto figure = measure("consume", messages, [&] { take(messages); });
    figure.per_batch = static_cast<double>(messages) / static_cast<double>(stub.frames - before);
    return figure;
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t messages = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
    const std::size_t bytes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100;
    char name[] = "/tmp/libbus-bench-XXXXXX";
    if (!::mkdtemp(name)) return 1;
    const std::string runtime = name;
    print(publish(runtime, messages, std::string(bytes, 'x')));
    print(consume(runtime, messages, bytes));
    std::filesystem::remove_all(runtime);
    return 0;
}
