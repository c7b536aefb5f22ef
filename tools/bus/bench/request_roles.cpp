// The ends of a request's round trip: over the bus, with libbus as any program
// has it, and bare, as frames through the same hops. The requester asks anew when it
// has its answer.
#include <bus/bus.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "bench/dialogue.h"
#include "bench/pace.h"
#include "bench/raw_frame.h"
#include "bench/raw_socket.h"
#include "bench/role.h"

namespace bus::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto probe_patience = 20s;
constexpr auto answer_patience = 10s;

ConnectOptions options_of(const Role& role) {
    return {.runtime = role.runtime, .app = "bus-bench"};
}

// Round trips, one after the other.
template <class Ask>
Received carry_out(const Run& run, Ask ask) {
    Received answers;
    Pace pace{run};
    while (pace.wait()) {
        const std::int64_t asked = now_nanos();
        ask();
        answers.last_nanos = now_nanos();
        answers.latency.record(answers.last_nanos - asked);
        ++answers.distinct;
    }
    return answers;
}

template <class Ask>
void requester(Ask ask) {
    say("ready");
    while (const auto line = hear()) say(to_line(carry_out(run_from(*line), ask)));
}

// The first request, which shows that the way is open; the responder may be known later than it is
// there.
void probe(const Connection& bus, const Role& role, const Payload& payload) {
    const auto give_up = std::chrono::steady_clock::now() + probe_patience;
    for (;;) try {
            bus.request(role.channel, payload, {.timeout = answer_patience});
            return;
        } catch (const RequestError& error) {
            const bool too_early = error.why() == RequestError::Why::no_responders;
            if (!too_early || std::chrono::steady_clock::now() > give_up) throw;
        }
}

}  // namespace

void run_bus_requester(const Role& role) {
    const Connection bus{options_of(role)};
    const std::vector<std::byte> payload(role.size);
    probe(bus, role, payload);
    requester([&] { bus.request(role.channel, payload, {.timeout = answer_patience}); });
}

// Pulls, so that a request wakes one thread only, as in the bare one.
void run_bus_responder(const Role& role) {
    const Connection bus{options_of(role)};
    Consumer consumer = bus.serve(role.channel, SubscribeOptions{});
    say("ready");
    bool probed = false;
    std::thread closer{[&] {
        while (hear()) {
        }
        consumer.close();
    }};
    while (auto request = consumer.next()) {
        if (!std::exchange(probed, true)) say("probe");
        const std::vector<std::byte> answer(request->message().bytes().begin(),
                                            request->message().bytes().end());
        request->reply(answer);
    }
    closer.join();
}

void run_raw_requester(const Role& role) {
    zmq::context_t context;
    zmq::socket_t socket = raw_dealer(context);
    socket.connect(role.local);
    const std::vector<std::byte> frame(raw_frames(role.size, true).bytes.front());
    zmq::message_t answer;
    const auto ask = [&] {
        socket.send(zmq::buffer(frame), zmq::send_flags::none);
        static_cast<void>(socket.recv(answer));
    };
    ask();
    requester(ask);
}

void run_raw_responder(const Role& role) {
    zmq::context_t context;
    zmq::socket_t socket = raw_dealer(context);
    socket.connect(role.local);
    say("ready");
    bool probed = false;
    zmq::message_t request;
    for (;;) {
        if (raw_input_waits(socket, -1ms)) {
            if (!hear()) return;
            continue;
        }
        while (socket.recv(request, zmq::recv_flags::dontwait)) {
            if (!std::exchange(probed, true)) say("probe");
            socket.send(request, zmq::send_flags::none);
        }
    }
}

}  // namespace bus::bench
