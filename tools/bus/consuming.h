// What `subscribe` and `receive` do: write messages out as they come, and
// acknowledge what is written, never sooner; or run a command for each.
#pragma once

#include <bus/bus.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "attachment.h"
#include "executing.h"
#include "message_writer.h"

namespace bus::cli {

class Interruption;

struct ConsumingOptions {
    Attachment attachment;
    std::string channel;  // topics: a filter
    std::string durable, group;
    bool last = false;
    std::uint64_t count = 0;      // 0: without end
    double silence_seconds = -1;  // below 0: for ever
    MessageWriter::Format format = MessageWriter::Format::lines;
    std::chrono::milliseconds ack_deadline{0};  // 0: none
    std::uint32_t rate = 0;                     // messages a second; 0: unlimited
    ExecOptions exec;

    void add_options(Command& command);
    SubscribeOptions subscribe_options() const;
};

using OpenConsumer = std::function<Consumer(const Connection&, const SubscribeOptions&)>;

// Consumes until the options say that it is enough. Throws Failure: the consumer was closed,
// standard output was, or silence came before the count; Interrupted.
void consume(const ConsumingOptions& options, const Interruption& interruption,
             const OpenConsumer& open);

}  // namespace bus::cli
