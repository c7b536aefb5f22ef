// Who looks on (bus-tap): each with what it wants to see, and a bounded ring of
// what it has not read yet. A reader that stalls loses steps, counted, and holds
// up nobody; one that stops reading is forgotten.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/time.h"
#include "core/channel_filter.h"
#include "core/effects.h"
#include "observe/status_json.h"

namespace bus::observe {

// What a tap shows. What only batches have (all but `events` and `who`) leaves out every other
// event.
struct TapWish {
    std::optional<core::ChannelFilter> channels;
    std::string who;  // a peer's name, or an app's, or "uid N"
    std::set<core::Event::Kind> events;
    std::string header_key;
    std::optional<std::string> header_value;
    std::uint64_t bytes_min = 0;
    std::uint64_t one_in = 1;  // of those that match
    bool contents = false;     // each message with its headers
    std::size_t snaplen = 0;   // and so many bytes of its payload
};

// {...,"ok":true,"tap_open":{"tap":N}}, or tap_close.
std::string tap_reply(const AdminAnswer& to, std::uint64_t id);

class Taps {
  public:
    // nullopt: there are so many already.
    std::optional<std::uint64_t> open(TapWish wish, Time now);
    bool close(std::uint64_t id) { return taps_.erase(id) > 0; }
    // Those that nobody has read for long. Returns how many.
    std::size_t forget_unread(Time now);

    bool any() const { return !taps_.empty(); }
    std::size_t count() const { return taps_.size(); }
    // The most that one of them has room for.
    std::size_t room() const;

    void offer(const core::Event& event);
    void missed(std::uint64_t steps);

    // {...,"ok":true,"tap_read":{"events":[...],"missed":N,"more":false}}: what came since the last
    // call, as far as an answer has room. `wall_micros` is the wall clock at `now`. nullopt: there
    // is no such tap.
    std::optional<std::string> read(const AdminAnswer& to, std::uint64_t id, Time now,
                                    std::uint64_t wall_micros);

  private:
    struct Tap {
        TapWish wish;
        std::deque<core::Event> ring;
        std::uint64_t ring_bytes = 0;
        std::uint64_t matched = 0, missed = 0;
        Time read_at{};
    };
    std::map<std::uint64_t, Tap> taps_;
    std::uint64_t last_ = 0;
};

}  // namespace bus::observe
