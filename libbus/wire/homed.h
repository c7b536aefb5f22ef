// Consumers of a queue that another agent keeps: what their agent and the queue's home say to each
// other. PROTOCOL.md, "Homed queues".
//
// A frame is the payload of the one message of a batch of services on homed_channel. What the home
// hands out is a batch of the queue's own messages, addressed to the consumer as to a group.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/batch.h"
#include "wire/local.h"

namespace bus::wire {

// No app and no rule speaks of it.
inline constexpr std::string_view homed_channel = "$bus.homed";
constexpr bool is_homed_channel(Kind kind, std::string_view channel) {
    return kind == Kind::service && channel == homed_channel;
}

// Which attachment a frame is about. Frames of an earlier life of either agent may come late.
struct AttachmentId {
    std::uint64_t life = 0;    // the incarnation of the consumer's agent
    std::uint64_t number = 0;  // ascending in that
    std::uint64_t home = 0;    // the incarnation of the home; 0: its agent has not heard of it yet
    friend auto operator<=>(const AttachmentId&, const AttachmentId&) = default;
};
// Consumer's agent to home: here is one, or it is still here. Said again from time to time.
struct Attach {
    AttachmentId id;
    std::uint64_t acks = 0;  // frames of it that were sent so far
    std::uint32_t messages_max = 0;
    std::uint64_t bytes_max = 0;
    std::uint64_t ack_deadline_millis = 0;  // 0: none
    std::uint32_t rate = 0;                 // 0: any
    bool by_parts = false;
    std::string queue;
    friend bool operator==(const Attach&, const Attach&) = default;
};
// Home: so it is, and so much was handed out to it.
struct Attached {
    AttachmentId id;
    std::uint64_t given = 0;
    friend bool operator==(const Attached&, const Attached&) = default;
};
// Home: it is not attached (any more). none: attach anew, under another number.
struct AttachmentEnded {
    AttachmentId id;
    Reject code = Reject::none;
    std::string reason;
    friend bool operator==(const AttachmentEnded&, const AttachmentEnded&) = default;
};
// Consumer's agent: what it has decided of what it was given. Of each the tag is the count of the
// delivery.
struct HomedAcks {
    AttachmentId id;
    std::uint64_t count = 0;  // of these frames, from 1
    std::vector<Ack> acks;
};
// Consumer's agent: it is gone.
struct Detach {
    AttachmentId id;
    bool lost = false;  // its session broke off
    friend bool operator==(const Detach&, const Detach&) = default;
};
using HomedFrame = std::variant<Attach, Attached, AttachmentEnded, HomedAcks, Detach>;

std::vector<std::byte> encode_homed(const HomedFrame& frame);
Expected<HomedFrame, Reject> decode_homed(Bytes frame);
// As many as fit into one frame for sure, behind what is there already.
std::size_t homed_ack_bytes(const Ack& ack);
inline constexpr std::size_t homed_acks_bytes_max = 60'000;

// To whom a range goes that the home has handed out. Its batch is cut to the range.
struct HomedDelivery {
    AttachmentId to;
    std::uint64_t count = 0;  // of what was handed out to it, from 1
    std::uint16_t attempt = 1;
    bool redelivered = false;
    std::uint64_t lifetime_millis = 0;  // 0: no TTL
    friend bool operator==(const HomedDelivery&, const HomedDelivery&) = default;
};
// An address as that of a group: "_homed.<life>.<number>.<home>.<count>.<attempt>.<0
// or 1>.<lifetime> **".
std::string homed_address(const HomedDelivery& delivery);
bool is_homed_address(std::string_view address);
// nullopt: it is none.
std::optional<HomedDelivery> read_homed_address(std::string_view address);

}  // namespace bus::wire
