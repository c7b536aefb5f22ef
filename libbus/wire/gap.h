// What a subscription will never get, as its app is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bus::wire {

// {"type":"gap","id":7,"reason":"lapsed","channel":"orders.eu","messages":12,"from_micros":N,
//  "to_micros":N,"untold":12,"total":12}: to the subscription `id`, when it comes and, at most once
// a second, while it is there. All but the last two are of what was lost last.
struct Gap {
    enum class Reason : std::uint8_t {
        lapsed,       // it had collected more than its share
        best_effort,  // there was no consumer with room
        damaged,      // on this host's disk
        restored,     // this host's journal was lost, or put back from a backup
    };
    static constexpr std::size_t reasons = 4;

    std::uint64_t id = 0;
    Reason reason = Reason::lapsed;
    std::string channel;         // empty: not known
    std::uint64_t messages = 0;  // 0: not known
    // When the first and the last of them were taken by the agent of that host, on its wall clock;
    // 0: not known.
    std::uint64_t from_micros = 0, to_micros = 0;
    std::uint64_t untold = 0;  // of all channels and reasons, since an app was told before
    std::uint64_t total = 0;   // since there is this subscription
};

std::string_view to_text(Gap::Reason reason);

}  // namespace bus::wire
