// The processes that a bench starts from its own executable: `bus bench-role NAME ...`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bus::bench {

struct Role {
    std::string name;  // producer, consumer, raw-producer, raw-consumer, raw-dialler, raw-listener
    // Messages of `size` bytes, as many in one batch as fit, or, `single`, one.
    std::uint32_t size = 100;
    bool single = false;
    std::string runtime;  // producer, consumer: where their agent is
    std::string queue;
    // Raw pipe: ipc endpoint towards the app, tcp endpoint towards the other forwarder, and the
    // listener's CURVE keys.
    std::string local, link, public_key, secret_key;

    std::vector<std::string> arguments() const;
};

// Carries the role out until standard input ends.
void run_bus_producer(const Role& role);
void run_bus_consumer(const Role& role);
void run_raw_producer(const Role& role);
void run_raw_consumer(const Role& role);
void run_raw_dialler(const Role& role);
void run_raw_listener(const Role& role);

}  // namespace bus::bench
