// What this host's publishers may bring (Settings::channels, app_bounds): of each
// bound what the journal has, how fast it comes, and whether it is reached.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/journal.h"
#include "core/rate.h"
#include "core/settings.h"

namespace bus::core {

class PublisherBounds {
  public:
    struct One {
        std::uint32_t number = 0;   // of it, as long as there is a bound on these channels
        ChannelSettings settings;   // of an app: of all channels
        Owner owner = 0;            // 0: whoever
        Watched::Total waits = {};  // in the journal
        enum class Reached : std::uint8_t { no, bytes, messages };
        Reached reached = Reached::no;  // until whole windows fit in again
        Rate rate = {};                 // messages that came lately
        bool rate_holds = false;        // sources are held back until some time has gone by
        std::uint64_t refused = 0;      // messages

        bool holds() const { return (reached != Reached::no || rate_holds) && !refuses(); }
        bool refuses() const { return settings.waiting.at_limit == AtLimit::refuse; }
        bool concerns(Owner publisher, wire::Kind kind, std::string_view channel) const {
            return owner == 0 ? settings.channels.covers(kind, channel) : owner == publisher;
        }
        Time goes_on_at() const;  // of those whom its rate holds back
        // For people: "sensors.**", "uid 1000".
        std::string words() const;
    };

    // Of what is known, those of the same channels or app keep theirs. Returns the numbers of those
    // that hold nothing back any more: they have ended, or are larger.
    std::vector<std::uint32_t> replace(const std::vector<ChannelSettings>& channels,
                                       const std::map<std::uint32_t, AppBound>& apps);
    // What the journal has to be asked for, if that is something else than it was.
    std::optional<Watch> take_watch();
    // Returns the numbers of those that have room again.
    std::vector<std::uint32_t> on_watched(const Watched& watched);
    // Returns the numbers of those whose rate lets go.
    std::vector<std::uint32_t> release(Time now);

    std::vector<One>& all() { return all_; }
    const std::vector<One>& all() const { return all_; }
    const One* find(std::uint32_t number) const;
    // Some bound may stand in a publisher's way: it is reached, or it is a rate.
    bool any() const { return any_reached_ || any_rate_; }
    // When a rate lets go.
    Time next_release() const;
    bool has_ages() const {
        return std::any_of(all_.begin(), all_.end(),
                           [](const One& one) { return one.settings.waiting.age > Duration{}; });
    }

  private:
    void judge(std::vector<std::uint32_t>& roomy);

    std::vector<One> all_;
    std::uint32_t last_number_ = 0;
    Watch watch_;
    bool any_reached_ = false, any_rate_ = false;
};

}  // namespace bus::core
