// Names of channels and the filters that match them. A channel is tokens of
// A-Z a-z 0-9 _ - joined by dots; in a filter `*` stands for one token and a
// last `**` for all that is left (one token at least).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"

namespace bus::wire {

// Three separate namespaces of channels.
enum class Kind : std::uint8_t { topic = 0, queue = 1, service = 2 };

std::string_view to_text(Kind kind);

// Also false for "$bus." names, which only the agent itself publishes.
bool is_channel(std::string_view name);
// "$bus." and a channel name.
bool is_reserved(std::string_view name);
bool is_filter(std::string_view filter);
// Names of subscriptions, groups and agents: one or more channel tokens.
bool is_name(std::string_view name);

// A subscription group is known by its name and its filter together, "NAME FILTER": with another
// filter it is another group. No channel and no filter has a space in it. At most
// channel_bytes_max, or it is none.
std::string group_address(std::string_view name, std::string_view filter);
bool is_group_address(std::string_view address);

// To those who keep last values, a subscription that asks for them is a group of such a name, which
// no program may use: "_last.<incarnation>.<number>". What they answer is addressed to that.
std::string late_joiner_name(std::uint64_t incarnation, std::uint32_t subscription);
// Also of the address of one.
bool is_late_joiner(std::string_view name_or_address);

// Where the replies to a producer's requests go: "$bus.reply.<agent>.<producer>", of services.
std::string reply_address(const AgentId& agent, const ProducerId& producer);
bool is_reply_address(Kind kind, std::string_view channel);
struct ReplyAddress {
    AgentId agent;
    ProducerId producer;
};
// nullopt: it is none.
std::optional<ReplyAddress> read_reply_address(std::string_view channel);

// The arguments of both must be valid.
bool matches(std::string_view filter, std::string_view channel);
// Does `rule` match every channel that `filter` could match?
bool covers(std::string_view rule, std::string_view filter);

// A channel with its namespace: what HOLD names and routes are found by.
struct ChannelKey {
    Kind kind = Kind::topic;
    std::string name;
    friend auto operator<=>(const ChannelKey&, const ChannelKey&) = default;
};

// Stable across hosts and releases (XXH3-64): the journal stores it.
std::uint64_t channel_hash(Kind kind, std::string_view name);

struct ChannelKeyHash {
    std::size_t operator()(const ChannelKey& key) const noexcept {
        return static_cast<std::size_t>(channel_hash(key.kind, key.name));
    }
};

}  // namespace bus::wire
