// Consumers of a homed queue at another agent than its home: what either side
// has of one. Custody of the messages stays with the home, so that order, keys
// and who comes next are decided in one place; between the two go fleeting
// frames, and whatever gets lost of them ends the attachment. Then the home
// hands out again what the consumer had, marked, and its agent attaches it anew.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/consumer.h"
#include "core/custody.h"
#include "wire/homed.h"

namespace bus::core {

// At the consumer's agent.
struct FarConsumer {
    ConsumerId local;
    std::string queue;
    AgentId home;
    wire::Attach terms;           // with the id of the present attachment
    bool attached = false;        // the home has said so, since it was last out of reach
    bool said = false;            // the home may know of it
    std::uint64_t heard = 0;      // deliveries of this attachment
    Time attach_at{};             // when the home is told (again) that it is there
    Duration retry{};             // until it is asked again, while it has not answered
    Time made{};                  // the present attachment
    Duration pause{};             // before that was
    std::vector<wire::Ack> acks;  // to be told
};

// At the home.
struct Attachment {
    AgentId agent;
    wire::AttachmentId id;
    DestinationId group;
    ConsumerId consumer;
    std::uint64_t given = 0;  // deliveries
    std::uint64_t acks = 0;   // frames heard
    Time heard{};
    struct Delivery {
        std::uint64_t tag = 0;
        std::weak_ptr<Custody> on_its_way;
    };
    std::map<std::uint64_t, Delivery> undecided;  // by the count of delivery
};

// A tag of a delivery from elsewhere, as the app sees it: which consumer, and which delivery.
constexpr std::uint64_t far_tag_bit = 1ull << 63;
constexpr std::uint64_t far_numbers_max = 1ull << 31, far_counts_max = 1ull << 32;
constexpr std::uint64_t far_tag(std::uint64_t number, std::uint64_t count) {
    return far_tag_bit | (number << 32) | count;
}
constexpr bool is_far_tag(std::uint64_t tag) { return (tag & far_tag_bit) != 0; }
constexpr std::uint64_t number_of_far_tag(std::uint64_t tag) { return (tag & ~far_tag_bit) >> 32; }
constexpr std::uint64_t count_of_far_tag(std::uint64_t tag) { return tag & (far_counts_max - 1); }

}  // namespace bus::core
