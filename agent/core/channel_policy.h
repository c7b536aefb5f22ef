// What holds for the messages of one channel (Settings::channels): of each
// setting the most specific word. An exact name is more specific than a
// filter, of filters the one with the longer beginning without wildcards, and
// one of a kind more than one of all kinds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/settings.h"
#include "wire/names.h"

namespace bus::core {

struct ChannelPolicy {
    // So often a consumer may have it and not acknowledge it; then it is a dead letter. 0: always.
    std::uint32_t max_deliveries = limits::max_deliveries_default;
    bool bury_expired = false;   // what expires is a dead letter
    std::string dead_letter_to;  // the queue that what dies goes on to; empty: it stays
    // What a peer sent for this host's consumers of a queue may go elsewhere when they have been
    // gone, or without room for it, for so long.
    Duration return_after = limits::queue_return_after_default;
    // Bytes that a message of this host's producers may have.
    std::uint64_t max_message = limits::message_bytes_default;
    // Of what this host's producers publish on it the last message is kept for late joiners.
    bool retain_last = false;
    std::string home;  // the agent that keeps the queue; empty: it floats
    bool exclusive = false;
};

class ChannelPolicies {
  public:
    void replace(const std::vector<ChannelSettings>& all);
    // Good until the next call of either.
    const ChannelPolicy& of(wire::Kind kind, std::string_view channel);

  private:
    ChannelPolicy resolve(wire::Kind kind, std::string_view channel) const;

    std::vector<ChannelSettings> settings_;  // the most specific first
    std::unordered_map<wire::ChannelKey, ChannelPolicy, wire::ChannelKeyHash> resolved_;
    const ChannelPolicy usual_;
};

}  // namespace bus::core
