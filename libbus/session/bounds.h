// The bounds of an app's side of a session.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "wire/batch.h"
#include "wire/bounds.h"

namespace bus::session::limits {

using namespace std::chrono_literals;

// Bytes that one producer may have waiting, on their way and not yet safe.
inline constexpr std::uint64_t outbox_bytes_default = 16 * 1024 * 1024;
inline constexpr std::uint64_t outbox_bytes_min = 512 * 1024;
// Of these, what channels on HOLD may take together: the others must keep flowing.
inline constexpr std::uint64_t held_share = 2;  // one half
// Names of channels that one producer may use in its life; each keeps a counter.
inline constexpr std::size_t channels_max = 1'000'000;
// Of these, addresses of replies, before those that are not in use are forgotten.
inline constexpr std::size_t reply_channels_max = 4'096;
// Batches that are safe and whose `arrived` somebody still waits for.
inline constexpr std::size_t awaiting_max = 262'144;
// With no more than this on its way, a batch that is not full leaves at once.
inline constexpr std::uint64_t trickle_bytes = 4 * 1024;
// Best-effort bytes that the socket may hold: nobody acknowledges them.
inline constexpr std::uint64_t loose_bytes_max = 1024 * 1024;
// A best-effort batch that is not full leaves no sooner than this after the one before: so many a
// second at the most, and who sends less often waits for nothing.
inline constexpr auto loose_pause = 200us;
// A batch that is not full leaves after this, whatever is on its way.
inline constexpr auto batch_age_max = 1ms;
// An acknowledgement waits for company at most that long.
inline constexpr auto ack_age_max = 1ms;
// Payload of one part of a large message. Headers travel in the first part, beside as much.
inline constexpr std::size_t part_bytes =
    wire::message_bytes_in_batch_max - wire::message_headers_bytes_max;
// Of one large message, parts that wait to leave: what else the program publishes stands behind
// them.
inline constexpr std::uint64_t large_waiting_max = 256 * 1024;
// A message that a consumer is given whole.
inline constexpr std::uint64_t whole_bytes_default = 16 * 1024 * 1024;
// Producer and channel pairs whose order one consumer watches; beyond, the oldest is forgotten.
inline constexpr std::size_t watched_keys_max = 65'536;
// Unfinished large messages that one consumer joins at a time.
inline constexpr std::size_t unfinished_max = 1'024;

// A subscription that stood before and is refused for now is asked for again after this.
inline constexpr auto resubscribe_after = 1s;

static_assert(outbox_bytes_min >= 2 * held_share * wire::frame_bytes_max,
              "a held channel must be able to keep one full batch while one is being filled");
static_assert(part_bytes + wire::message_headers_bytes_max <= wire::message_bytes_in_batch_max);

}  // namespace bus::session::limits
