// What stands in line to leave or has left: one record a batch, the lines by
// lane, and what is remembered of each channel.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "session/frame.h"
#include "session/open_batch.h"
#include "wire/batch.h"
#include "wire/names.h"

namespace bus::session {

// A closed batch on its way out.
struct Departure {
    Frame frame;  // empty once settled
    ChannelState* channel = nullptr;
    wire::Lane lane = wire::Lane::normal;
    std::uint64_t sequence = 0;  // of its first message
    std::uint32_t messages = 0;
    bool guaranteed = true;
    bool is_abort = false;
    std::optional<wire::Part> part;
    Time expires = never;
    Time due{};  // not to be handed out before
    std::vector<Wish> wishes;

    std::uint64_t number = 0;             // given when it first leaves
    std::uint64_t first_incarnation = 0;  // the agent's, for which it first left
    bool in_flight = false;               // counted against the window
    std::uint32_t retries = 0;            // departures after the first

    std::size_t bytes() const noexcept { return frame.bytes().size(); }
    std::uint64_t last_sequence() const noexcept { return sequence + messages - 1; }
    bool is_settled() const noexcept { return !frame; }
    // Of a large message, and not its beginning: what decided about that decides about this.
    bool is_later_part() const noexcept { return part && part->index > 0; }
};

// Batches in line, by lane; within a lane by sequence.
class Lines {
  public:
    using Line = std::deque<Departure>;

    Line& operator[](wire::Lane lane) noexcept { return lines_[static_cast<std::size_t>(lane)]; }
    const Line& operator[](wire::Lane lane) const noexcept {
        return lines_[static_cast<std::size_t>(lane)];
    }
    void push(Departure departure) {
        Line& line = (*this)[departure.lane];
        line.push_back(std::move(departure));
    }
    bool empty() const noexcept {
        return std::all_of(lines_.begin(), lines_.end(), [](const Line& l) { return l.empty(); });
    }
    auto begin() noexcept { return lines_.begin(); }
    auto end() noexcept { return lines_.end(); }
    auto begin() const noexcept { return lines_.begin(); }
    auto end() const noexcept { return lines_.end(); }

  private:
    std::array<Line, wire::lane_count> lines_;
};

struct ChannelState {
    // What is remembered of one lane. Large messages: each by the sequence of its first part; 0:
    // none.
    struct LaneState {
        std::uint64_t next_sequence = 1;
        std::uint64_t next_delayed = 1;  // of those that come late by right
        std::uint64_t departed = 0;      // whose first part left last: HOLD spares the others
        std::uint64_t expired = 0;       // whose first part expired last: the others go with it
    };
    LaneState& lane(wire::Lane which) noexcept { return lanes[static_cast<std::size_t>(which)]; }
    const LaneState& lane(wire::Lane which) const noexcept {
        return lanes[static_cast<std::size_t>(which)];
    }

    wire::ChannelKey key;
    std::array<LaneState, wire::lane_count> lanes;
    bool held = false;
    Lines line;  // while held
    // A large message that is being offered, by the sequence of its first part: nothing else may
    // come between its parts. 0: none.
    std::uint64_t unfinished = 0;
};

// Finds a channel by kind and name without making a string.
struct ChannelView {
    wire::Kind kind;
    std::string_view name;
};
struct ChannelHash {
    using is_transparent = void;
    std::size_t operator()(const wire::ChannelKey& k) const noexcept {
        return static_cast<std::size_t>(wire::channel_hash(k.kind, k.name));
    }
    std::size_t operator()(const ChannelView& k) const noexcept {
        return static_cast<std::size_t>(wire::channel_hash(k.kind, k.name));
    }
};
struct ChannelEqual {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
        return a.kind == b.kind && a.name == b.name;
    }
};

}  // namespace bus::session
