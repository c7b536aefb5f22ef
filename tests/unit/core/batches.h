// Batches for tests: sealed, whole, of one producer unless told otherwise.
#pragma once

#include <string>
#include <vector>

#include "core/batch.h"
#include "wire/batch.h"

namespace bus::core::test {

struct BatchOptions {
    wire::Kind kind = wire::Kind::topic;
    wire::Mode mode = wire::Mode::guaranteed;
    wire::Lane lane = wire::Lane::normal;
    std::string channel = "plant7.temperature";
    ProducerId producer{{1, 1}};
    std::uint64_t sequence = 1;
    std::uint64_t channel_sequence = 0;  // 0: as sequence
    std::uint32_t messages = 1;
    std::uint64_t ttl_millis = 0;
    std::uint16_t flags = 0;
    std::size_t payload = 5;
    std::optional<wire::Part> part = std::nullopt;
    std::uint64_t created_micros = 0;
    std::vector<std::string> keys = {};  // of its messages; "": it has none
};

inline Batch make_batch(const BatchOptions& options = {}) {
    const std::string payload(options.payload, 'x');
    std::vector<std::vector<std::byte>> headers(options.messages);
    std::size_t body = options.messages * (wire::message_overhead + payload.size());
    for (std::size_t i = 0; i < options.keys.size(); ++i) {
        if (!options.keys[i].empty()) wire::append_header(headers.at(i), "key", options.keys[i]);
        body += headers[i].size();
    }
    const wire::BatchHeader header{
        .kind = options.kind,
        .mode = options.mode,
        .lane = options.lane,
        .flags =
            static_cast<std::uint16_t>(options.flags | (options.part ? wire::batch_flag::part : 0)),
        .message_count = options.messages,
        .producer = options.producer,
        .sequence = options.sequence,
        .channel_sequence =
            options.channel_sequence == 0 ? options.sequence : options.channel_sequence,
        .created_micros = options.created_micros,
        .ttl_millis = options.ttl_millis,
        .body_length = static_cast<std::uint32_t>(body),
        .channel = options.channel,
        .part = options.part};
    const auto length = wire::encoded_header_length(header);
    std::vector<std::byte> bytes(length + body);
    wire::encode_header(header, bytes.data());
    std::byte* at = bytes.data() + length;
    for (std::uint32_t i = 0; i < options.messages; ++i) {
        wire::encode_message(at, options.sequence + i, headers[i], as_bytes(payload));
        at += wire::message_overhead + headers[i].size() + payload.size();
    }
    auto batch = OwnedBatch::make(std::move(bytes));
    BUS_ASSERT(batch.has_value());
    return *batch;
}

}  // namespace bus::core::test
