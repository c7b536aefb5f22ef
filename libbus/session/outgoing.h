// What goes into and comes out of the producing side of a session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "session/frame.h"
#include "wire/batch.h"
#include "wire/local.h"

namespace bus::session {

// The two clocks, read by the caller.
struct Stamp {
    Time now{};
    std::uint64_t wall_micros = 0;
};

// One message to send. Views: looked at only during the call.
struct Outgoing {
    wire::Kind kind = wire::Kind::topic;
    std::string_view channel;
    wire::Mode mode = wire::Mode::guaranteed;
    wire::Lane lane = wire::Lane::normal;
    std::uint64_t ttl_millis = 0;    // 0: lives for ever
    std::uint64_t delay_millis = 0;  // not to be handed out before; 0: at once. Not for parts
    Bytes headers;                   // encoded, wire::append_header
    Bytes payload;
    // Of a producer with a name, and then above those before it; others: 0.
    std::uint64_t sequence = 0;
    // Names a wished-for receipt to the caller; 0: none is wished for.
    std::uint64_t receipt = 0;
    wire::Stage stage = wire::Stage::safe;  // what the receipt waits for
    bool needs_destination = false;         // for whoever keeps the receipt
    bool to_all = false;                    // a request: to every responder, not to one
};

enum class Offer {
    taken,
    would_block,  // the outbox, or this channel's share while it is held, is full
    too_large,
    bad_name,
    too_many_channels,  // limits::channels_max different names in one producer's life
    out_of_order,       // a producer with a name: its sequence must ascend
    not_in_parts,       // a producer with a name: one sequence, one batch
};

enum class Outcome { reached, refused, expired, dead_lettered, lapsed, unknown };

// A wished-for receipt is decided. A message sent as parts yields one for every part.
struct Settled {
    std::uint64_t receipt = 0;
    Outcome outcome = Outcome::reached;
    std::optional<std::uint32_t> destinations;  // nullopt: not told
    std::string reason;
};

// A batch that was taken from the caller and never will be delivered.
struct Undelivered {
    Frame frame;  // envelope and batch
    Outcome outcome = Outcome::refused;
    std::string reason;
};

}  // namespace bus::session
