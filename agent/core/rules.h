// What peers, and apps of a uid, may do: lists of filters, by what they do. A
// uid without a rule may use every channel; the agent's own user may do everything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/settings.h"
#include "wire/names.h"

namespace bus::core {

// What somebody does on a channel, and the lists of filters that say where they may.
enum class Act : std::uint8_t { give, take, look };  // look: ask how an agent is
const std::vector<std::string>& list_of(const Permissions& may, Act act, wire::Kind kind);
std::string_view list_name(Act act, wire::Kind kind);  // as the configuration has it
std::string_view verb_of(Act act, wire::Kind kind);    // "publish on", "receive from", ...
// What is allowed, for people: `its rule "publish" names a.** only`.
std::string allowed_words(const Permissions& may, Act act, wire::Kind kind);

// Do these permissions cover that channel (to consume: that filter)?
bool may_publish(const Permissions& may, wire::Kind kind, std::string_view channel);
bool may_consume(const Permissions& may, wire::Kind kind, std::string_view filter);

class Rules {
  public:
    explicit Rules(const Settings& settings) : settings_(settings) {}

    bool may_publish(std::uint32_t uid, wire::Kind kind, std::string_view channel) const;
    bool may_consume(std::uint32_t uid, wire::Kind kind, std::string_view filter) const;
    // nullptr: it may do everything.
    const Permissions* rule(std::uint32_t uid) const;

  private:
    const Settings& settings_;
};

}  // namespace bus::core
