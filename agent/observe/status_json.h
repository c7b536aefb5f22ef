// The agent's state as JSON, for `bus status --json`, tests and monitoring.
// The keys are stable: they may grow in number, but do not change.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"

namespace bus::observe {

// Counters that the core does not keep, by key.
using Extras = std::vector<std::pair<std::string, std::uint64_t>>;

struct AdminAnswer {
    std::uint64_t id = 0;
    std::string request;
};

// {"type":"admin","id":N,"request":"status","ok":true,"status":{...}}
std::string status_reply(const AdminAnswer& to, const core::Status& status, const Extras& io);
// The request's own key holds what was told: {"type":"admin","id":N,"request":"reload","ok":true,
// "reload":{"applied":true,"changes":["..."],"restart":["..."]}}
struct Reload {
    bool applied = false;
    std::vector<std::string> changes, restart;
};
std::string reload_reply(const AdminAnswer& to, const Reload& reload);
// What may be shown of who the agent is. While its keys roll over it has a next one.
struct ShownIdentity {
    AgentId agent;
    std::string public_key, next_public_key;
    std::uint64_t next_from_unix_seconds = 0;  // then the other one is dropped
    // Beside its keys, for who asks: what it is called, its configuration, and where it listens.
    std::string name = {}, config = {};
    std::vector<std::string> listening = {};
};
// {...,"ok":true,"identity":{"agent":"...","public_key":"...","next_public_key":null or "...",
// "next_from_unix_seconds":null or N,"name":"...","config":"...","listening":["..."]}}, under the
// request's own name.
std::string identity_reply(const AdminAnswer& to, const ShownIdentity& identity);
// {"type":"admin","id":N,"request":"...","ok":false,"code":"...","reason":"..."}
std::string failure_reply(const AdminAnswer& to, const std::string& code,
                          const std::string& reason);

}  // namespace bus::observe
