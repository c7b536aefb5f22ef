// What peers, and apps of a uid, may do: lists of filters, by what they do. A
// uid without a rule may use every channel; the agent's own user may do everything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/settings.h"
#include "wire/names.h"

namespace bus::core {

// Do these permissions cover that channel (to consume: that filter)?
bool may_publish(const Permissions& may, wire::Kind kind, std::string_view channel);
bool may_consume(const Permissions& may, wire::Kind kind, std::string_view filter);

class Rules {
  public:
    explicit Rules(const Settings& settings) : settings_(settings) {}

    bool may_publish(std::uint32_t uid, wire::Kind kind, std::string_view channel) const;
    bool may_consume(std::uint32_t uid, wire::Kind kind, std::string_view filter) const;

  private:
    const Permissions* rule(std::uint32_t uid) const;
    const Settings& settings_;
};

}  // namespace bus::core
