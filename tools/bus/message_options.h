// What a message carries beside its payload, as the command line gives it:
// priority, lifetime and headers.
#pragma once

#include <bus/bus.h>

#include <chrono>
#include <string>
#include <vector>

namespace bus::cli {

class Command;

struct MessageOptions {
    Priority priority = Priority::normal;
    std::chrono::milliseconds expires{0};  // 0: lives for ever
    std::chrono::milliseconds after{0};    // 0: handed out at once
    std::string key, reply_to, content_type, correlation_id;
    std::vector<std::string> headers;  // "key=value"

    void add_options(Command& command);
    // Those that a request has: its lifetime, address and correlation id are the bus's.
    void add_request_options(Command& command);
    // `headers`, read; views into this.
    std::vector<Header> more_headers() const;
    // Views into this and into `more`.
    PublishOptions publish_options(const std::vector<Header>& more) const;
};

}  // namespace bus::cli
