#include "core/tickets.h"

#include <algorithm>

#include "base/mutation.h"

namespace bus::core {

namespace {

std::uint64_t serial(const wire::Ticket& ticket) { return ticket.words[0]; }

}  // namespace

Standing judge(const Tickets& tickets, const wire::LinkHello& hello, bool just_rotated) {
    if (!hello.tickets || mutated(Mutation::stale_ticket_taken)) return Standing::good;
    if (hello.rejoins || tickets.rejoining) return Standing::rejoins;
    const wire::Ticket& presented = hello.ticket;
    const bool maybe_before = (!tickets.confirmed || just_rotated) && presented == tickets.before;
    if (presented == tickets.issued || maybe_before) return Standing::good;
    if (presented.is_zero()) return Standing::lost_theirs;
    if (tickets.issued.is_zero()) return Standing::lost_mine;
    if (serial(presented) > serial(tickets.issued)) return Standing::stale_mine;
    return serial(presented) < serial(tickets.issued) ? Standing::stale_theirs : Standing::forked;
}

void issue_next(Tickets& tickets, const wire::Ticket& presented, bool same_start,
                std::uint64_t random) {
    if (presented == tickets.issued) tickets.confirmed = true;
    const bool is_old_news = same_start && presented == tickets.before;
    if (is_old_news && !tickets.confirmed && !tickets.issued.is_zero()) return;
    tickets.before = is_old_news ? tickets.issued : presented;
    tickets.issued = {{std::max(serial(tickets.issued), serial(presented)) + 1, random}};
    tickets.confirmed = false;
}

}  // namespace bus::core
