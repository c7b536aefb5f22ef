// What the core needs of the configuration. May change while it runs: Exchange::reload.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "core/channel_filter.h"
#include "limits.h"

namespace bus::core {

// What somebody may do here, by lists of filters: publish on and subscribe to topics, send to and
// receive from queues, request of and serve services. What no filter covers is forbidden.
struct Permissions {
    std::vector<std::string> publish, subscribe, send, receive, request, serve;
    friend bool operator==(const Permissions&, const Permissions&) = default;
};

// Of what waits for an agent, or on channels: so many bytes, then its sources are held back; so
// long, then it becomes a dead letter.
struct Bound {
    std::uint64_t bytes = 0;  // 0: none of its own
    Duration age{};           // 0: none
    friend bool operator==(const Bound&, const Bound&) = default;
};

// What this host's publishers meet where their bound is reached: they are held back, or what they
// publish is refused.
enum class AtLimit : std::uint8_t { hold, refuse };

// What this host's publishers may bring, on channels or of one user. What waits is what the journal
// has of it, each batch once, until all of the batch is settled.
struct PublisherBound : Bound {
    std::uint64_t messages = 0;  // that wait; 0: any number
    std::uint32_t rate = 0;      // messages a second; 0: any number
    AtLimit at_limit = AtLimit::hold;
    friend bool operator==(const PublisherBound&, const PublisherBound&) = default;
};

// What the apps of one user may take of this agent.
struct AppBound {
    PublisherBound waiting;           // without an age
    std::uint32_t subscriptions = 0;  // durable ones and groups that they declared; 0: any number
    friend bool operator==(const AppBound&, const AppBound&) = default;
};

// What is said of channels.
struct ChannelSettings {
    ChannelFilter channels;
    PublisherBound waiting;  // of all channels that it covers together
    // Of each channel the most specific settings count: core/channel_policy.h.
    std::optional<std::uint32_t> max_deliveries = std::nullopt;  // 0: as many as it takes
    std::optional<bool> bury_expired = std::nullopt;
    std::optional<std::string> dead_letter_to =
        std::nullopt;                                     // the queue that what dies goes on to
    std::optional<Duration> return_after = std::nullopt;  // of queues
    // Of durable subscriptions whose filter these channels cover, and of each by itself: what they
    // collect beyond it lapses, the oldest first.
    std::optional<Bound> lapse = std::nullopt;
    std::optional<std::uint64_t> max_message = std::nullopt;  // bytes of one that is published here
    std::optional<bool> retain_last = std::nullopt;           // of topics: core/last_values.h
    // Of queues: the agent that keeps them (empty: none, wherever they have consumers), and whether
    // one of their consumers gets everything (core/homes.cpp).
    std::optional<std::string> home = std::nullopt;
    std::optional<bool> exclusive = std::nullopt;
    friend bool operator==(const ChannelSettings&, const ChannelSettings&) = default;
};

// A durable subscription, or a group, that stands whether or not a program has asked for it.
struct SubscriptionSettings {
    std::string name, filter;
    bool group = false;
    std::optional<Bound> lapse = std::nullopt;  // goes before what is said of its channels
    friend bool operator==(const SubscriptionSettings&, const SubscriptionSettings&) = default;
};

struct PeerSettings {
    std::string name;
    // Z85; what the authenticator proved. The current one first, then those it may roll over to.
    std::vector<std::string> keys;
    std::optional<Permissions> may;  // of the peer and all that lies behind it; none: everything
    // Its word on the agents behind it is taken, and they are told of those behind this one.
    bool relays = true;
    std::uint32_t cost = 1;                   // of its link, when paths are compared
    std::uint64_t rate_bytes_per_second = 0;  // of what is sent to it; 0: unlimited
    bool has_address = true;                  // this agent dials it
    // It, and all that lies behind it, may ask for the status of this agent and of those behind.
    bool status = true;
    Bound waiting;
    friend bool operator==(const PeerSettings&, const PeerSettings&) = default;
};

struct Settings {
    AgentId agent;
    std::string name;
    std::string version;  // of the program, for people
    bool relay = false;   // passes on what is for others
    std::vector<PeerSettings> peers;
    std::vector<ChannelSettings> channels;                 // no two with the same channels
    std::vector<SubscriptionSettings> subscriptions = {};  // no two with the same name
    std::map<std::uint32_t, Permissions> rules;  // by uid; a uid without one may use every channel
    std::map<std::uint32_t, AppBound> app_bounds = {};  // by uid
    std::uint32_t own_uid = 0;                          // may do everything
    std::uint64_t journal_bytes_max = limits::journal_bytes_default;
};

}  // namespace bus::core
