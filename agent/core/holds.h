// Who has been told to hold back what, and why. A source (a producer or a
// peer) hears HOLD at the first cause for a channel and RESUME when the last
// one is gone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/id.h"
#include "core/journal.h"
#include "limits.h"
#include "wire/names.h"

namespace bus::core {

using SourceId = std::variant<ProducerId, AgentId>;

// Why a channel is held back: a destination, or this host's publishers, have reached their bound;
// the journal is full; the host is being drained.
struct Cause {
    enum class Of : std::uint8_t { destination, bound, journal, drain };
    Of of = Of::destination;
    std::uint32_t number = 0;  // of the destination, or of the bound (PublisherBounds)
    Cause(DestinationId destination) : number(destination.value) {}
    constexpr explicit Cause(Of the_of, std::uint32_t the_number = 0)
        : of(the_of), number(the_number) {}
    DestinationId destination() const { return DestinationId{number}; }
    friend auto operator<=>(const Cause&, const Cause&) = default;
};
inline constexpr Cause full_journal{Cause::Of::journal};
inline constexpr Cause drain_cause{Cause::Of::drain};

// Of a bound that was reached: below it whole windows fit in again, or it would be reached at once.
inline std::uint64_t room_again(std::uint64_t bound) {
    return bound - std::min(bound / 2, 2 * limits::producer_window);
}

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
    [[nodiscard]] bool hold(const SourceId& source, const wire::ChannelKey& channel, Cause cause) {
        auto& causes = causes_[{source, channel}];
        return causes.insert(cause).second && causes.size() == 1;
    }
    // `cause` has room again. Returns who may go on with what.
    std::vector<Told> release(Cause cause) {
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
    std::vector<wire::ChannelKey> of(const SourceId& source) const {
        std::vector<wire::ChannelKey> channels;
        for (const auto& [channel, causes] : causes_of(source)) channels.push_back(channel);
        return channels;
    }
    // With the causes of each: at least one.
    std::vector<std::pair<wire::ChannelKey, std::set<Cause>>> causes_of(
        const SourceId& source) const {
        std::vector<std::pair<wire::ChannelKey, std::set<Cause>>> held;
        for (const auto& [told, causes] : causes_)
            if (told.source == source) held.emplace_back(told.channel, causes);
        return held;
    }
    const std::map<Told, std::set<Cause>>& all() const { return causes_; }

  private:
    std::map<Told, std::set<Cause>> causes_;
};

}  // namespace bus::core
