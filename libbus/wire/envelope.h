// What stands before a batch in its frame and changes from hop to hop: a fixed
// head of 64 bytes, then extensions that whoever does not know them skips and
// forwards. Layout: PROTOCOL.md, "The envelope".
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "wire/reject.h"

namespace bus::wire {

// First byte of every binary frame, local and link. '{' opens local JSON.
enum class FrameType : std::uint8_t {
    data = 1,
    receipts = 2,  // local: agent to app
    acks = 3,      // local: app to agent
    link_hello = 16,
    link_ack = 17,
    link_interest = 18,
    link_hold = 19,
    link_keepalive = 20,
    link_reset = 21,
    link_refuse = 22,
    link_unfinished = 23,
    link_paths = 24,
    link_ask = 25,
    link_arrived = 26,
    link_ticket = 27,
    link_ticket_taken = 28,
    link_query = 29,
    link_answer = 30,
};
// Control frames of a link have types from link_hello up to this; those not known are skipped.
inline constexpr FrameType link_types_end = static_cast<FrameType>(64);

namespace envelope_flag {
inline constexpr std::uint16_t resent = 1;       // the receiver may have taken it already
inline constexpr std::uint16_t redelivered = 2;  // a consumer may have seen it already
inline constexpr std::uint16_t rerouted = 4;     // another path may bring it as well
inline constexpr std::uint16_t retained = 8;  // agent to app: a last value, kept for late joiners
}  // namespace envelope_flag

// Of a batch that does not go from the agent that took it from its producer straight to the agent
// it is for. Over a link only, extension 1.
struct Route {
    std::uint8_t hops = 1;        // links it has crossed with this one
    AgentId origin;               // the agent that took it from its producer
    std::vector<AgentId> finals;  // whom it is for; none: the receiver
    friend bool operator==(const Route&, const Route&) = default;
};
inline constexpr std::uint16_t route_extension = 1;
inline constexpr std::uint16_t group_extension = 2;
inline constexpr std::size_t finals_max = 256;

struct Envelope {
    std::uint16_t flags = 0;
    std::uint16_t attempt = 0;  // agent to app: 1 for the first hand-out
    std::uint64_t session = 0;  // link session; local: 0
    std::uint64_t count = 0;    // frames of this link session; local: 0
    std::uint64_t number = 0;   // of the batch; agent to app: the delivery tag; 0: best effort
    std::uint64_t lifetime_millis = 0;  // what is left of the TTL; 0: no TTL
    std::uint32_t first = 0;            // the range within the batch
    std::uint32_t messages = 0;
    std::uint64_t consumer = 0;          // agent to app: the app's subscription id
    std::uint64_t delay_millis = 0;      // not to be handed out before
    std::shared_ptr<const Route> route;  // none: from the sender to the receiver
    // The subscription group that this copy is for, as its address (names.h); empty: the receiver's
    // own subscriptions. Over a link only, extension 2. Points into the frame it was decoded from.
    std::string_view group;

    bool resent() const noexcept { return (flags & envelope_flag::resent) != 0; }
    bool redelivered() const noexcept { return (flags & envelope_flag::redelivered) != 0; }
    bool retained() const noexcept { return (flags & envelope_flag::retained) != 0; }
};

inline constexpr std::size_t envelope_length = 64;  // without extensions

// With its extensions.
std::size_t encoded_length(const Envelope& envelope);
// Writes encoded_length bytes before which nothing and behind which the batch stands.
void encode_envelope(const Envelope& envelope, std::byte* out);

struct DecodedEnvelope {
    Envelope envelope;
    Bytes extensions;  // type u16, length u16, bytes, repeated; well-formed
    Bytes batch;       // the rest of the frame
};
Expected<DecodedEnvelope, Reject> decode_envelope(Bytes frame);

}  // namespace bus::wire
