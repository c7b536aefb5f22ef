// Whole batches for tests: sealed, valid, and made without libbus's session.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "wire/batch.h"

namespace bus::test {

inline wire::BatchHeader sample_header() {
    return {.producer = ProducerId{{0x1122334455667788, 0x99AABBCCDDEEFF00}},
            .sequence = 1,
            .channel_sequence = 1,
            .created_micros = 1'700'000'000'000'000,
            .channel = "plant7.temperature",
            .part = {}};
}

struct SampleMessage {
    std::string_view payload;
    std::vector<std::byte> headers = {};
};

// Count and body length are taken from the messages, the rest from the header.
inline std::vector<std::byte> sample_batch(const std::vector<SampleMessage>& messages,
                                           wire::BatchHeader header = sample_header()) {
    header.message_count = static_cast<std::uint32_t>(messages.size());
    header.body_length = 0;
    for (const auto& m : messages)
        header.body_length += static_cast<std::uint32_t>(wire::message_overhead + m.headers.size() +
                                                         m.payload.size());
    const auto head = wire::encoded_header_length(header);
    std::vector<std::byte> batch(head + header.body_length);
    wire::encode_header(header, batch.data());
    std::byte* at = batch.data() + head;
    std::uint64_t sequence = header.sequence;
    for (const auto& m : messages) {
        wire::encode_message(at, sequence++, m.headers, as_bytes(m.payload));
        at += wire::message_overhead + m.headers.size() + m.payload.size();
    }
    return batch;
}

}  // namespace bus::test
