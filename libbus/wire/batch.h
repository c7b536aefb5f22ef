// The batch: a run of messages of one producer on one channel, encoded once by
// libbus. These bytes are the bytes on every socket, link and in every journal.
// Layout and field table: PROTOCOL.md, "The batch".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "wire/bounds.h"
#include "wire/names.h"
#include "wire/reject.h"

namespace bus::wire {

enum class Mode : std::uint8_t { guaranteed = 0, best_effort = 1 };
enum class Lane : std::uint8_t { high = 0, normal = 1, low = 2 };
inline constexpr std::size_t lane_count = 3;

namespace batch_flag {
inline constexpr std::uint16_t unsealed = 1;      // checksums are zero; the agent fills them in
inline constexpr std::uint16_t part = 2;          // holds a piece of one large message
inline constexpr std::uint16_t abort = 4;         // a part that says: no more parts will come
inline constexpr std::uint16_t want_arrived = 8;  // tell the producer when every agent has it
inline constexpr std::uint16_t sparse = 16;       // holes in the channel sequence tell of no loss
inline constexpr std::uint16_t delayed =
    32;  // it comes late by right: a channel sequence of its own
inline constexpr std::uint16_t to_all = 64;  // a request to every responder, not to one
// With want_arrived: tell the producer when every consumer has acknowledged it, and not before.
inline constexpr std::uint16_t want_consumed = 128;
}  // namespace batch_flag

// Where a part stands in its message. Present if and only if batch_flag::part.
struct Part {
    std::uint64_t first_sequence = 0;  // of part 0
    std::uint32_t index = 0;
    std::uint32_t total = 0;        // parts
    std::uint64_t total_bytes = 0;  // payload of the whole message
    friend bool operator==(const Part&, const Part&) = default;
};

struct BatchHeader {
    Kind kind = Kind::topic;
    Mode mode = Mode::guaranteed;
    Lane lane = Lane::normal;
    std::uint16_t flags = 0;
    std::uint32_t message_count = 0;
    ProducerId producer;
    std::uint64_t sequence = 0;          // of the first message, counts all of the producer's
    std::uint64_t channel_sequence = 0;  // of the first message, counts those on channel and lane
    std::uint64_t created_micros =
        0;                         // wall clock of the producer: for people (and core/last_given.h)
    std::uint64_t ttl_millis = 0;  // from creation; 0: lives for ever
    std::uint32_t body_length = 0;
    std::string_view channel;  // points into the bytes it was decoded from
    std::optional<Part> part;
    // Not in these bytes: the subscription group that this copy is for, as its address (names.h).
    std::string_view group;

    std::uint16_t header_length = 0;  // set by decode and encode; body begins here

    bool guaranteed() const noexcept { return mode == Mode::guaranteed; }
    bool is_unsealed() const noexcept { return (flags & batch_flag::unsealed) != 0; }
    bool is_delayed() const noexcept { return (flags & batch_flag::delayed) != 0; }
    bool wants_consumed() const noexcept { return (flags & batch_flag::want_consumed) != 0; }
    // What HOLD names it by.
    std::string_view address() const noexcept { return group.empty() ? channel : group; }
};

// Of kind, channel and group: whose order it stands in. Stable, the journal stores it.
std::uint64_t order_hash(const BatchHeader& header);

// Bytes that encode_header will write for this header.
std::size_t encoded_header_length(const BatchHeader& header);
// Writes the header with its checksum; `out` has encoded_header_length bytes.
void encode_header(const BatchHeader& header, std::byte* out);

// Decodes and verifies everything but the messages. The bytes must be one
// header and exactly the body it announces, or, with `cut`, any body no longer than that. An
// unsealed batch may have a header checksum of zero: whoever takes it from an app seals it, all
// others refuse it.
enum class Body { whole, cut };
Expected<BatchHeader, Reject> decode_batch(Bytes batch, Body body = Body::whole);

// One message in a body: length u32, checksum u32, headers length u16, headers, payload.
// `length` counts what follows the checksum.
inline constexpr std::size_t message_overhead = 10;
inline constexpr std::size_t message_bytes_in_batch_max = batch_body_bytes_max - message_overhead;

struct MessageView {
    std::uint64_t sequence = 0;
    Bytes headers;  // encoded; see HeaderWalk
    Bytes payload;
    Bytes encoded;        // the whole message as it stands in the body
    bool intact = false;  // the checksum holds
};

// XXH3-64 of headers length, headers and payload, seeded with the sequence; the low 32 bits.
std::uint32_t message_checksum(Bytes after_checksum, std::uint64_t sequence) noexcept;

// Writes one message, sealed; `at` must have message_overhead + headers + payload bytes.
void encode_message(std::byte* at, std::uint64_t sequence, Bytes headers, Bytes payload);

// Walks messages in order. next() verifies form always and the checksum if asked.
class MessageWalk {
  public:
    enum class Check { form, checksum };
    // `first_sequence` is that of the first message in `body`.
    MessageWalk(Bytes body, std::uint64_t first_sequence, Check check) noexcept
        : rest_(body), sequence_(first_sequence), check_(check) {}
    // nullopt: the end, or, if malformed(), bytes that are no message.
    std::optional<MessageView> next() noexcept;
    bool malformed() const noexcept { return malformed_; }

  private:
    Bytes rest_;
    std::uint64_t sequence_;
    Check check_;
    bool malformed_ = false;
};

// The body is exactly `count` well-formed messages.
bool is_well_formed(Bytes body, std::uint32_t count) noexcept;

// Fills in the checksums of an unsealed batch in place and clears the flag.
// Requires: it decodes, and its body is_well_formed.
void seal(std::span<std::byte> batch);

// The bytes of messages [first, first + count) of a well-formed body that has them.
Bytes cut_body(Bytes body, std::uint32_t first, std::uint32_t count) noexcept;

// A batch of these messages alone, as their producer might have sent them: the header says so, the
// messages stay as they are, the flags are those of `header`. Requires: but for them it is that of
// the whole, well-formed `batch`.
std::vector<std::byte> cut_batch(Bytes batch, const BatchHeader& header, std::uint32_t first,
                                 std::uint32_t count);

// Message headers: key (length u8, text), value (length u16, bytes), repeated.
struct HeaderField {
    std::string_view key;
    std::string_view value;
};
void append_header(std::vector<std::byte>& out, std::string_view key, std::string_view value);
class HeaderWalk {
  public:
    explicit HeaderWalk(Bytes headers) noexcept : reader_(headers) {}
    std::optional<HeaderField> next() noexcept;

  private:
    Reader reader_;
};
std::optional<std::string_view> find_header(Bytes headers, std::string_view key) noexcept;

}  // namespace bus::wire
