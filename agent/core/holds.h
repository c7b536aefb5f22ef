// Who has been told to hold back what, and why. A source (a producer or a
// peer) hears HOLD at the first cause for a channel and RESUME when the last
// one is gone.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/id.h"
#include "core/journal.h"
#include "wire/names.h"

namespace bus::core {

using SourceId = std::variant<ProducerId, AgentId>;

// Causes that are no destination: the journal is full; the host is being drained.
inline constexpr DestinationId full_journal{};
inline constexpr DestinationId drain_cause{0xffff'ffff};

// As a held channel: all of them.
inline const wire::ChannelKey every_channel{wire::Kind::topic, "**"};

class Holds {
  public:
    struct Told {
        SourceId source;
        wire::ChannelKey channel;
        friend auto operator<=>(const Told&, const Told&) = default;
    };

    // `cause` is full. true: the source has to be told.
    [[nodiscard]] bool hold(const SourceId& source, const wire::ChannelKey& channel,
                            DestinationId cause) {
        auto& causes = causes_[{source, channel}];
        causes.insert(cause);
        return causes.size() == 1;
    }
    // `cause` has room again. Returns who may go on with what.
    std::vector<Told> release(DestinationId cause) {
        std::vector<Told> free;
        for (auto at = causes_.begin(); at != causes_.end();) {
            at->second.erase(cause);
            if (at->second.empty()) free.push_back(at->first);
            at = at->second.empty() ? causes_.erase(at) : std::next(at);
        }
        return free;
    }
    void forget(const SourceId& source) {
        std::erase_if(causes_, [&](const auto& held) { return held.first.source == source; });
    }
    bool has_cause(DestinationId cause) const {
        for (const auto& [told, causes] : causes_)
            if (causes.contains(cause)) return true;
        return false;
    }
    std::vector<wire::ChannelKey> of(const SourceId& source) const {
        std::vector<wire::ChannelKey> channels;
        for (const auto& [told, causes] : causes_)
            if (told.source == source) channels.push_back(told.channel);
        return channels;
    }
    const std::map<Told, std::set<DestinationId>>& all() const { return causes_; }

  private:
    std::map<Told, std::set<DestinationId>> causes_;
};

}  // namespace bus::core
