// Whether the agent at the other end of a link is the one that this agent has
// met, with all that it knew then: ids, incarnations, tickets, and which of two
// links is kept. PROTOCOL.md, "A session" and "Tickets".

#include <algorithm>
#include <utility>

#include "base/mutation.h"
#include "core/state.h"

namespace bus::core {

using State = Exchange::State;
using wire::Reject;
using Phase = State::Link::Phase;
using Step = State::Peer::Ticketing::Step;

namespace {

std::uint64_t mixed(std::uint64_t v) {  // splitmix64
    v += 0x9E3779B97F4A7C15ull;
    v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9ull;
    v = (v ^ (v >> 27)) * 0x94D049BB133111EBull;
    return v ^ (v >> 31);
}

std::string way_on(const std::string& one, const std::string& other) {
    return "; if only one " + one + " runs, go on with `bus peer rejoin " + other + "` on " + one +
           " or `bus peer rejoin " + one + "` on " + other;
}

// `given`: the number up to which it was handed over; `taken`: up to which the other remembers it.
std::string may_have_lost(const std::string& who, const std::string& from, std::uint64_t given,
                          std::uint64_t taken, std::uint64_t incarnation) {
    std::string words = who + " may have lost what it had from " + from + " and not yet delivered";
    if (given > taken)
        words += ": batches " + std::to_string(taken + 1) + " to " + std::to_string(given) +
                 " of incarnation " + std::to_string(incarnation) + ", and of earlier ones";
    return words;
}

}  // namespace

std::uint64_t State::random() {
    return mixed(incarnation ^ nonce ^ mixed(settings.agent.words[0] + ++random_salt));
}

bool State::is_same_start(const Peer& peer, const wire::LinkHello& hello) {
    return hello.incarnation == peer.incarnation && hello.nonce == peer.nonce;
}

// ---- Is it the one? ----------------------------------------------------------------------------

std::optional<std::string> State::why_refuse(const Peer& peer, const wire::LinkHello& hello,
                                             Standing standing) const {
    if (hello.agent == settings.agent)
        return "it has this agent's own id: one of the two is a copy of the other";
    if (!peer.id.is_zero() && peer.id != hello.agent)
        return "it now has another agent id (was " + to_text(peer.id) + ", is " +
               to_text(hello.agent) + ")";
    for (const auto& other : peers)
        if (other.get() != &peer && other->id == hello.agent && other->configured)
            return "it has the id of peer \"" + other->settings.name + "\" with another key";
    if (hello.incarnation < peer.incarnation ||
        (hello.incarnation == peer.incarnation && hello.nonce != peer.nonce))
        return hello.name + " is of an older incarnation than was seen before: it was restored " +
               "from a backup or cloned, and its clock is behind; set its clock and start " +
               "it again";
    if (hello.your_incarnation > incarnation ||
        (hello.your_incarnation == incarnation && hello.your_nonce != nonce))
        return hello.name + " has met a later start of " + settings.name + ": " + settings.name +
               " was restored from a backup or cloned, and its clock is behind; set its " +
               "clock and start it again";
    return why_stale(hello.name, standing);
}

std::optional<std::string> State::why_stale(const std::string& name, Standing standing) const {
    const std::string &me = settings.name, restored = " was restored from a backup or cloned";
    switch (standing) {
        case Standing::stale_theirs:
            return name + " comes with a ticket of an earlier session with " + me + ": " + name +
                   restored + way_on(name, me);
        case Standing::stale_mine:
            return name + " comes with a ticket that " + me + " does not know any more: " + me +
                   restored + way_on(me, name);
        case Standing::forked:
            return name + " and " + me + " remember different sessions: one of the two" + restored +
                   way_on(name, me);
        default:
            return std::nullopt;
    }
}

// It passes for alive.
bool State::was_just_heard(const Link& link) const {
    return now - link.last_heard < 3 * Duration{limits::keepalive_interval};
}

// Another start of that agent has a session, and was heard just now.
bool State::is_linked_elsewhere(const Link& link, const wire::LinkHello& hello) const {
    const Peer& peer = *link.peer;
    return peer.active != nullptr && peer.active != &link && !is_same_start(peer, hello) &&
           was_just_heard(*peer.active);
}

Standing State::standing_of(const Peer& peer, const wire::LinkHello& hello) const {
    const auto& confirmed_at = peer.ticketing.confirmed_at;
    const bool just_rotated = is_same_start(peer, hello) && confirmed_at &&
                              now - *confirmed_at < Duration{limits::link_silence_max};
    return judge(peer.tickets, hello, just_rotated);
}

// Both sides may dial; the link that the lower id dialled stays. A new session the same way round
// replaces the old one: that is half-open at best. true: `link` is the one to use.
bool State::choose_between(Link& link, const AgentId& peer_id) {
    Link* const old = link.peer->active;
    if (old == nullptr || old == &link) return true;
    const bool keep_dialled = settings.agent < peer_id;
    const bool old_wins =
        old->dialled != link.dialled && old->dialled == keep_dialled && was_just_heard(*old);
    Link& loser = old_wins ? link : *old;
    if (!old_wins) end_session(*old, "another link is kept", false);
    if (loser.dialled)
        effects.close_links.push_back({loser.id, true});
    else if (old_wins)
        send(loser, wire::LinkReset{
                        .code = Reject::in_use, .final = true, .reason = "another link is kept"});
    loser.phase = Phase::silent;
    return !old_wins;
}

// Marks and streams hang on the peer's id; the id is believed because its key is the configured
// one.
void State::meet(Link& link, const wire::LinkHello& hello) {
    Peer& peer = *link.peer;
    const bool another_key = std::exchange(peer.key, link.key) != link.key;
    const bool is_new = peer.remote == nullptr;
    const bool news = is_new || !is_same_start(peer, hello) || another_key;
    if (peer.id.is_zero()) {
        peer.id = hello.agent;
        adopt_numbers(peer);
        peers_by_id[peer.id] = &peer;
    }
    if (peer.remote == nullptr) {
        peer.remote = &remote(peer.id);
        peer.outbound->set_neighbour(*peer.remote);
    }
    peer.remote->name = peer.settings.name;
    if (!peer.intake ||
        (hello.incarnation != peer.incarnation && !mutated(Mutation::mark_across_incarnations)))
        peer.intake = std::make_shared<Intake>(Intake::FromPeer{peer.id, hello.incarnation}, 0);
    if (hello.incarnation != peer.incarnation) {
        peer.arrived.clear();  // it does not know these numbers any more
        peer.outbound->forget_passed_on();
        end_attachments_before(peer.id, hello.incarnation);
        look_at_homes_by(*peer.outbound);
    }
    // It has forgotten me meanwhile, and with that what it would have told.
    if (hello.your_incarnation != incarnation) peer.outbound->forget_passed_on();
    peer.incarnation = hello.incarnation;
    peer.nonce = hello.nonce;
    if (news) put_peer(peer);
}

void State::put_peer(const Peer& peer) {
    if (peer.removed) return;
    Tickets tickets = peer.tickets;
    if (peer.ticketing.taking) tickets.held = *peer.ticketing.taking;
    keeper.change(PutPeer{.id = peer.id,
                          .name = peer.settings.name,
                          .key = peer.key,
                          .incarnation = peer.incarnation,
                          .interest_version = 0,
                          .nonce = peer.nonce,
                          .tickets = tickets},
                  true);
}

// ---- Tickets -----------------------------------------------------------------------------------

// Of a session that begins: the peer gets a new one, and data leaves once it has it on disk.
void State::begin_tickets(Peer& peer, const wire::LinkHello& hello, bool same_start) {
    peer.outbound->let_flow(!hello.tickets);
    peer.ticketing.step = Step::none;
    peer.ticketing.took = false;
    if (!hello.tickets) return;
    issue_next(peer.tickets, hello.ticket, same_start, random());
    issue(peer);
}

void State::issue(Peer& peer) {
    peer.ticketing.issued_at = now;
    peer.ticketing.issued_after = peer.outbound->given();
    put_peer(peer);
    await_disk(peer, Step::storing);
}

// A backup that is made in the middle of a long session is recognised as well.
void State::issue_anew(Peer& peer) {
    if (peer.ticketing.step != Step::done ||
        now - peer.ticketing.issued_at < Duration{limits::ticket_life} ||
        peer.outbound->given() == peer.ticketing.issued_after)
        return;
    issue_next(peer.tickets, peer.tickets.issued, true, random());
    issue(peer);
}

void State::await_disk(Peer& peer, Step step) {
    peer.ticketing.step = step;
    peer.ticketing.stored_by = keeper.pending_submission();
    want_tickets(peer);
}

void State::want_tickets(Peer& peer) {
    if (!std::exchange(peer.ticketing.due, true)) tickets_due.push_back(&peer);
}

void State::on_ticket(Link& link, const wire::LinkTicket& frame) {
    Peer& peer = *link.peer;
    peer.ticketing.taking = frame.ticket;
    peer.ticketing.taking_session = link.session;
    put_peer(peer);
    peer.ticketing.taken_by = keeper.pending_submission();
    want_tickets(peer);
}

void State::on_ticket_taken(Link& link, const wire::LinkTicketTaken& frame) {
    Peer& peer = *link.peer;
    if (peer.ticketing.step != Step::offered || frame.ticket != peer.tickets.issued) return;
    peer.tickets.confirmed = true;
    peer.ticketing.confirmed_at = now;
    put_peer(peer);
    await_disk(peer, Step::confirming);
}

// What waited for the disk goes on.
void State::flush_tickets() {
    std::vector<Peer*> waiting;
    for (Peer* const peer : std::exchange(tickets_due, {})) {
        peer->ticketing.due = false;
        take_stored_ticket(*peer);
        offer_stored_ticket(*peer);
        const auto& at = peer->ticketing;
        if (at.taking || at.step == Step::storing || at.step == Step::confirming)
            waiting.push_back(peer);
    }
    for (Peer* const peer : waiting) want_tickets(*peer);
}

void State::take_stored_ticket(Peer& peer) {
    auto& at = peer.ticketing;
    if (!at.taking || at.taken_by > keeper.committed_through()) return;
    peer.tickets.held = *std::exchange(at.taking, std::nullopt);
    if (peer.active != nullptr && peer.active->session == at.taking_session) {
        at.took = true;
        send(*peer.active, wire::LinkTicketTaken{peer.tickets.held});
    }
    end_rejoining(peer);
}

void State::offer_stored_ticket(Peer& peer) {
    auto& at = peer.ticketing;
    if (at.stored_by > keeper.committed_through()) return;
    if (at.step == Step::storing) {
        at.step = Step::offered;
        if (peer.active != nullptr) send(*peer.active, wire::LinkTicket{peer.tickets.issued});
    } else if (at.step == Step::confirming) {
        at.step = Step::done;
        peer.outbound->let_flow(true);
        end_rejoining(peer);
    }
}

// Each has a new ticket of the other.
void State::end_rejoining(Peer& peer) {
    if (!peer.tickets.rejoining || peer.ticketing.step != Step::done || !peer.ticketing.took)
        return;
    peer.tickets.rejoining = false;
    put_peer(peer);
}

Rejoin Exchange::rejoin(const std::string& name, Time now) {
    State& s = at(now);
    State::Peer* const peer = s.configured_peer(name);
    if (peer == nullptr) return Rejoin::unknown_peer;
    // Before data flows, the other side may be about to refuse the session.
    if (peer->active != nullptr && peer->outbound->flows()) return Rejoin::linked;
    if (peer->id.is_zero()) return Rejoin::never_met;
    peer->tickets.rejoining = true;
    s.put_peer(*peer);
    return Rejoin::done;
}

// ---- What is lost ------------------------------------------------------------------------------

// Before the session begins: what the two remember of each other is still there to be compared.
void State::tell_lost(const Peer& peer, const wire::LinkHello& hello, Standing standing) {
    const std::string &them = hello.name, &me = settings.name;
    const bool by_order = standing == Standing::rejoins;
    const auto why = [&](const std::string& who) {
        return by_order ? me + " and " + them + " begin anew: " : who + " has a new journal: ";
    };
    const std::uint64_t given = peer.outbound->given();
    const std::uint64_t taken = hello.your_incarnation == incarnation ? hello.your_taken : 0;
    if (standing == Standing::lost_theirs || (by_order && given > taken))
        event(Event::Kind::history_lost, peer.settings.name,
              why(them) + may_have_lost(them, me, given, taken, incarnation));
    const std::uint64_t here =
        peer.intake && hello.incarnation == peer.incarnation ? peer.intake->taken() : 0;
    if (standing == Standing::lost_mine || (by_order && hello.given > here)) {
        note_restored();
        event(Event::Kind::history_lost, peer.settings.name,
              why(me) + may_have_lost(me, them, hello.given, here, hello.incarnation));
    }
}

}  // namespace bus::core
