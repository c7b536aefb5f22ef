// What has been handed to consumers and not yet decided: for every delivery
// tag the range, its attempt, and which of its messages are decided.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "core/effects.h"
#include "core/journal.h"

namespace bus::core {

// An app's subscription: its session and its own id for it.
struct ConsumerId {
    SessionId session;
    std::uint64_t id = 0;
    friend auto operator<=>(const ConsumerId&, const ConsumerId&) = default;
};

// Consumers of a homed queue at other agents have sessions of their own (core/attachments.cpp).
inline constexpr std::uint64_t first_session_elsewhere = 1ull << 63;
constexpr bool is_elsewhere(SessionId session) { return session.value >= first_session_elsewhere; }

struct Lease {
    DestinationId group;
    ConsumerId consumer;
    BatchId batch;
    std::uint32_t first = 0, count = 0;
    std::uint32_t undecided = 0;
    std::uint64_t bytes = 0;       // of the consumer's room
    std::uint64_t part_bytes = 0;  // of its room for parts
    bool takes_room = true;     // false: a part before the last; its message takes room with that
    std::uint16_t attempt = 1;  // hand-outs of it, with this one
    std::uint16_t deliveries = 0;      // of those before, in which its consumer really had it
    std::uint32_t deliveries_max = 0;  // 0: any number
    bool suspect = false;              // its last consumer's session broke off
    Time since{};
    Time deadline = never;
    std::vector<bool> decided;  // empty while all or nothing is

    bool covers(std::uint32_t from, std::uint32_t many) const {
        return many > 0 && from >= first &&
               std::uint64_t{from} + many <= std::uint64_t{first} + count;
    }
    // Calls visit(begin, count) for each run within [from, from + many) that was not decided
    // before.
    template <class Visit>
    void decide(std::uint32_t from, std::uint32_t many, Visit visit) {
        if (decided.empty() && many == count) {
            undecided = 0;
            visit(from, many);
            return;
        }
        if (decided.empty()) decided.resize(count);
        for (std::uint32_t at = from; at < from + many;) {
            std::uint32_t end = at;
            while (end < from + many && !decided[end - first]) decided[end++ - first] = true;
            if (end > at) {
                undecided -= end - at;
                visit(at, end - at);
            }
            at = end + (end == at ? 1 : 0);
        }
    }
};

// By tag; a tag is never used again. Best-effort deliveries have leases too (they use the
// consumer's room) but nothing returns from them.
class Leases {
  public:
    // Its tag, and where it is until it is closed.
    std::pair<std::uint64_t, Lease*> open(Lease lease) {
        ++last_tag_;
        return {last_tag_, &leases_.emplace(last_tag_, std::move(lease)).first->second};
    }
    Lease* find(std::uint64_t tag) {
        const auto found = leases_.find(tag);
        return found == leases_.end() ? nullptr : &found->second;
    }
    void close(std::uint64_t tag) { leases_.erase(tag); }
    std::size_t size() const { return leases_.size(); }

  private:
    std::uint64_t last_tag_ = 0;
    std::unordered_map<std::uint64_t, Lease> leases_;
};

}  // namespace bus::core
