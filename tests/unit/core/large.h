// A large message of parts with a few bytes each, for stories about it.
#pragma once

#include "core/large_messages.h"
#include "stories.h"

namespace {

struct Large {
    wire::Kind kind = wire::Kind::queue;
    std::uint32_t total = 5;
    std::uint32_t bytes = 4;  // of each part

    Batch part(std::uint32_t index) const {
        const wire::BatchHeader header{
            .kind = kind,
            .flags = wire::batch_flag::part,
            .message_count = 1,
            .producer = producer,
            .sequence = 1 + index,
            .channel_sequence = 1 + index,
            .body_length = static_cast<std::uint32_t>(wire::message_overhead) + bytes,
            .channel = "jobs",
            .part = wire::Part{1, index, total, std::uint64_t{total} * bytes}};
        std::vector<std::byte> frame(wire::encoded_header_length(header) + header.body_length);
        wire::encode_header(header, frame.data());
        wire::encode_message(frame.data() + wire::encoded_header_length(header), 1 + index, {},
                             as_bytes(std::string(bytes, 'p')));
        auto batch = OwnedBatch::make(std::move(frame));
        BUS_ASSERT(batch.has_value());
        return *batch;
    }
    Batch abort(std::uint32_t index) const {
        return abort_of({.kind = kind,
                         .channel = "jobs",
                         .producer = producer,
                         .sequence = 1 + index,
                         .channel_sequence = 1 + index,
                         .part = wire::Part{1, index, total, std::uint64_t{total} * bytes}});
    }
    void publish(Host& host, std::uint32_t from, std::uint32_t to) const {
        for (std::uint32_t index = from; index < to; ++index)
            host.publish(app, 1 + index, part(index));
    }
    // The bytes of a part of four in a batch.
    static constexpr std::uint64_t part_bytes = wire::message_overhead + 4;

    wire::Subscribe subscription(std::uint32_t prefetch = 1'000) const {
        wire::Subscribe command;
        command.id = 1;
        command.kind = kind;
        command.filter = "jobs";
        command.prefetch_messages = prefetch;
        if (kind == wire::Kind::topic) command.durable = "archive";
        return command;
    }
};

inline void consume(Host& host, SessionId session, const Large& what,
                    std::uint32_t prefetch = 1'000) {
    host.open(session);
    host.subscribe(session, what.subscription(prefetch));
}

// Reads its parts singly: so many may be there that are not acknowledged.
inline void read_by_parts(Host& host, SessionId session, const Large& what, std::uint64_t ahead) {
    host.open(session);
    auto command = what.subscription();
    command.parts = true;
    command.prefetch_bytes = ahead * Large::part_bytes;
    host.subscribe(session, command);
}

}  // namespace
