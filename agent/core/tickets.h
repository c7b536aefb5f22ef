// Tickets show an agent that the other one's journal is the one it had when
// they last met. Each hands the other a new one in every session, and takes
// data to it only once the other has it on disk; who comes back with an older
// one was restored from a backup, or is one of two. PROTOCOL.md, "Tickets".
#pragma once

#include <cstdint>
#include <string>

#include "base/id.h"
#include "wire/link.h"

namespace bus::core {

// Between this agent and one peer; kept in the journal.
struct Tickets {
    wire::Ticket issued;     // the last that was made for the peer; zero: none
    wire::Ticket before;     // what the peer has unless it has `issued` already
    bool confirmed = false;  // it has
    wire::Ticket held;       // the peer's last for this agent, on disk
    bool rejoining = false;  // an operator said that this agent may have lost something
    friend bool operator==(const Tickets&, const Tickets&) = default;
};

// What a HELLO's ticket says of the two agents.
enum class Standing : std::uint8_t {
    good,
    lost_theirs,   // the peer's journal is new
    lost_mine,     // this agent's is
    rejoins,       // one of the two was told to begin anew
    stale_theirs,  // the peer was restored from a backup, or is a clone
    stale_mine,    // this agent is
    forked,        // one of the two is
};

// `just_rotated`: it confirmed the last one a moment ago, and has not been started again since: the
// HELLO may have left before that, over another link.
Standing judge(const Tickets& tickets, const wire::LinkHello& hello, bool just_rotated);

// Makes the next one, unless the peer may be about to store the last. `same_start`: it has not been
// started again since they last met. `random`: new bits.
void issue_next(Tickets& tickets, const wire::Ticket& presented, bool same_start,
                std::uint64_t random);

}  // namespace bus::core
