// The processes that a bench starts from its own executable: `bus bench-role NAME ...`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bus::bench {

struct Role {
    std::string name;  // producer, consumer, requester, responder, all of them also as raw-...;
                       // stream-producer, stream-consumer; raw-dialler, raw-listener, raw-relay
    // Messages of `size` bytes, as many in one batch as fit, or, `single`, one.
    std::uint32_t size = 100;
    bool single = false;
    bool best_effort = false;  // on a topic
    std::string runtime;       // producer, consumer: where their agent is
    std::string channel;
    // Raw pipe: ipc endpoint towards the app, tcp endpoint towards the other forwarder (of the
    // relay: ipc towards the consumer), and the listener's CURVE keys.
    std::string local, link, public_key, secret_key;

    std::vector<std::string> arguments() const;
};

// Carries the role out until standard input ends.
void run_bus_producer(const Role& role);
void run_bus_consumer(const Role& role);
void run_raw_producer(const Role& role);
void run_raw_consumer(const Role& role);
void run_bus_requester(const Role& role);
void run_bus_responder(const Role& role);
void run_stream_producer(const Role& role);
void run_stream_consumer(const Role& role);
void run_raw_requester(const Role& role);
void run_raw_responder(const Role& role);
void run_raw_dialler(const Role& role);
void run_raw_listener(const Role& role);
void run_raw_relay(const Role& role);

}  // namespace bus::bench
