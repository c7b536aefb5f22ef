// The inputs: each finds whom it concerns and hands it on.

#include "core/exchange.h"

#include <algorithm>

#include "base/mutation.h"
#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

Exchange::Exchange(Settings settings, std::uint64_t incarnation, Recovered recovered, Time now,
                   std::uint64_t wall_micros)
    : state_(std::make_unique<State>(std::move(settings), incarnation, std::move(recovered), now,
                                     wall_micros)) {}
Exchange::~Exchange() = default;

State& Exchange::at(Time now) {
    state_->now = now;
    state_->keeper.tick(now);
    return *state_;
}

void Exchange::on_session(SessionId session, std::uint32_t uid, Time now) {
    at(now).sessions.emplace(session, State::Session{.id = session, .uid = uid});
}

bool Exchange::knows(SessionId session) const {
    const auto found = state_->sessions.find(session);
    return found != state_->sessions.end() && found->second.open;
}

void Exchange::on_command(SessionId id, const wire::Command& command, Time now) {
    State& s = at(now);
    const auto found = s.sessions.find(id);
    if (found == s.sessions.end() || s.stopping) return;
    State::Session& session = found->second;
    if (const auto* hello = std::get_if<wire::Hello>(&command)) return s.on_hello(session, *hello);
    if (std::holds_alternative<wire::Bye>(command))
        return s.close_session(session, Group::Parting::left);
    if (!session.open) return s.reply(id, wire::Reset{"say hello first"});
    if (const auto* subscribe = std::get_if<wire::Subscribe>(&command))
        s.on_subscribe(session, *subscribe);
    else if (const auto* unsubscribe = std::get_if<wire::Unsubscribe>(&command))
        s.on_unsubscribe(session, *unsubscribe);
    else
        s.fail(id, 0, wire::Reject::not_allowed, "admin requests belong to the admin socket");
}

void Exchange::on_batch(SessionId id, const wire::Envelope& envelope, Batch batch, Time now) {
    State& s = at(now);
    const auto found = s.sessions.find(id);
    if (found == s.sessions.end() || s.stopping) return;
    const State::Session& session = found->second;
    if (!session.open) return s.reply(id, wire::Reset{"say hello first"});
    s.on_published(session, envelope, std::move(batch));
}

void Exchange::on_acks(SessionId id, std::span<const wire::Ack> acks, Time now) {
    State& s = at(now);
    const auto session = s.sessions.find(id);
    if (session == s.sessions.end()) return;
    if (!session->second.open) return s.reply(id, wire::Reset{"say hello first"});
    for (const wire::Ack& ack : acks) {
        if (s.ack_elsewhere(id, ack)) continue;
        const Lease* const lease = s.leases.find(ack.tag);
        // Of an earlier session, decided before, or taken back: nobody's any more.
        if (lease == nullptr || lease->consumer.session != id) {
            ++s.late_acks;
            continue;
        }
        Group& group = *s.groups.at(lease->group);
        if (group.decide(ack) == Group::Decision::malformed) ++s.malformed;
        s.touch(group);
    }
}

void Exchange::on_session_gone(SessionId id, Time now) {
    State& s = at(now);
    const auto found = s.sessions.find(id);
    if (found == s.sessions.end()) return;
    s.close_session(found->second);
    s.sessions.erase(found);
}

void Exchange::on_link_up(LinkId id, const std::string& key, bool dialled, Time now) {
    State& s = at(now);
    State::Peer* const peer = s.peer_by_key(key);
    if (peer == nullptr || !peer->configured) return;
    auto& link = s.links[id];
    link = {.id = id,
            .peer = peer,
            .key = key,
            .dialled = dialled,
            .last_heard = now,
            .retry = limits::hello_retry};
    if (dialled && !s.stopping) s.greet(link);
}

void Exchange::on_dial_failed(const std::string& peer, const std::string& why, Time now) {
    State& s = at(now);
    for (const auto& known : s.peers)
        if (known->configured && known->settings.name == peer && known->active == nullptr)
            known->note_error(why, now);
}

void Exchange::on_link_down(LinkId id, Time now) {
    State& s = at(now);
    const auto found = s.links.find(id);
    if (found == s.links.end()) return;
    s.end_session(found->second, "the connection was lost", false);
    s.links.erase(found);
}

void Exchange::on_link_frame(LinkId id, const wire::LinkFrame& frame, Time now) {
    State& s = at(now);
    const auto found = s.links.find(id);
    if (found == s.links.end() || !found->second.peer->configured) return;
    State::Link& link = found->second;
    if (std::holds_alternative<wire::LinkHello>(frame.body)) {
        if (!s.stopping) s.on_link_hello(link, frame);
        return;
    }
    if (const auto* reset = std::get_if<wire::LinkReset>(&frame.body)) {
        if (frame.head.session == link.session) s.on_reset(link, *reset);
        return;
    }
    const bool is_uncounted = mutated(Mutation::keepalive_uncounted) &&
                              std::holds_alternative<wire::LinkKeepalive>(frame.body);
    if (is_uncounted) link.last_heard = now;
    if (!is_uncounted && !s.count_in(link, frame.head.session, frame.head.count)) return;
    if (const auto* ack = std::get_if<wire::LinkAck>(&frame.body)) return s.on_ack(link, *ack);
    if (const auto* interest = std::get_if<wire::LinkInterest>(&frame.body))
        return s.on_interest(link, *interest);
    if (const auto* hold = std::get_if<wire::LinkHold>(&frame.body)) return s.on_hold(link, *hold);
    if (const auto* keepalive = std::get_if<wire::LinkKeepalive>(&frame.body))
        return s.on_keepalive(link, *keepalive);
    if (const auto* message = std::get_if<wire::LinkUnfinished>(&frame.body))
        return s.on_unfinished(link, *message);
    if (const auto* told = std::get_if<wire::LinkPaths>(&frame.body))
        return s.on_paths(link, *told);
    if (const auto* arrived = std::get_if<wire::LinkArrived>(&frame.body))
        return link.peer->outbound->on_arrived(*arrived);
    if (const auto* ask = std::get_if<wire::LinkAsk>(&frame.body)) return s.on_ask(link, *ask);
    if (const auto* ticket = std::get_if<wire::LinkTicket>(&frame.body))
        return s.on_ticket(link, *ticket);
    if (const auto* taken = std::get_if<wire::LinkTicketTaken>(&frame.body))
        return s.on_ticket_taken(link, *taken);
    if (const auto* query = std::get_if<wire::LinkQuery>(&frame.body))
        return s.on_query(link, *query);
    if (const auto* answer = std::get_if<wire::LinkAnswer>(&frame.body))
        return s.on_answer(link, *answer);
    if (const auto* refuse = std::get_if<wire::LinkRefuse>(&frame.body)) s.on_refuse(link, *refuse);
}

void Exchange::on_link_batch(LinkId id, const wire::Envelope& envelope, Batch batch, Time now) {
    State& s = at(now);
    const auto found = s.links.find(id);
    if (found == s.links.end() || !found->second.peer->configured || s.stopping) return;
    State::Link& link = found->second;
    if (!s.count_in(link, envelope.session, envelope.count)) return;
    s.on_peer_batch(*link.peer, envelope, std::move(batch));
}

void Exchange::on_link_malformed(LinkId id, wire::Reject why, Time now) {
    State& s = at(now);
    ++s.malformed;
    const auto found = s.links.find(id);
    if (found == s.links.end()) return;
    State::Link& link = found->second;
    s.end_session(link, "a malformed frame (" + std::string{wire::to_text(why)} + ")", true);
    if (link.dialled) s.greet(link);
}

// ---- The journal ---------------------------------------------------------------------------

void Exchange::on_journal(const JournalAnswer& answer, Time now) {
    State& s = at(now);
    if (const auto* committed = std::get_if<Committed>(&answer)) return s.on_committed(*committed);
    if (const auto* loaded = std::get_if<Loaded>(&answer)) return s.on_loaded(*loaded);
    if (const auto* watched = std::get_if<Watched>(&answer)) return s.on_watched(*watched);
    if (const auto* found = std::get_if<DeadLettersFound>(&answer)) return s.on_found(*found);
    if (const auto* failed = std::get_if<Failed>(&answer)) {
        s.event(Event::Kind::journal_failed, "journal", failed->reason + ", trying again in 1 s");
        return s.keeper.on_failed(*failed);
    }
    if (const auto* undecided = std::get_if<Undecided>(&answer)) {
        s.event(Event::Kind::journal_failed, "journal",
                undecided->reason + ", writing it again in 1 s");
        return s.keeper.on_undecided(*undecided);
    }
    const auto& damaged = std::get<Damaged>(answer);
    s.note_damaged(damaged);
    for (const auto& lost : damaged.lost)
        s.event(Event::Kind::journal_damaged, "journal",
                damaged.reason + ": batches " + std::to_string(lost.first.value) + " to " +
                    std::to_string(lost.last.value) + " of destination " +
                    std::to_string(lost.stream.to.value) + " are lost",
                lost.messages);
}

// ---- Time ------------------------------------------------------------------------------------

void Exchange::advance(Time now) {
    State& s = at(now);
    if (now >= s.next_tick) s.tick();
}

Time Exchange::next_deadline() const {
    const State& s = *state_;
    Time next = std::min({s.keeper.next_due(), s.next_release(), s.bounds.next_release()});
    if (s.needs_ticks()) next = std::min(next, s.next_tick);
    for (const State::Peer* peer : s.rated) next = std::min(next, peer->outbound->next_deadline());
    for (const DestinationId id : s.delaying)
        next = std::min(next, s.groups.at(id)->next_deadline());
    return next;
}

void Exchange::reload(Settings settings, Time now) {
    State& s = at(now);
    s.settings = std::move(settings);
    s.apply_peers();
    s.apply_channels();
    s.apply_homes();
    s.apply_retention();
    s.apply_shares();
    s.apply_subscriptions();
    s.apply_forwarding();
}

void Exchange::stop_accepting(Time now) {
    State& s = at(now);
    s.stopping = true;
    s.keeper.want_all();
}

bool Exchange::is_quiet() const { return state_->keeper.quiet(); }

void Exchange::finish_turn(Time now) {
    State& s = at(now);
    s.flush_tickets();
    s.release_due();
    s.release_rates();
    s.flush_far_acks();
    s.move_streams();
    s.announce_interest();
    s.flush_paths();
    s.keep_new_gaps();
    s.keep_answered();
    s.tell_evicted();
    if (auto transaction = s.keeper.gather())
        s.effects.transactions.push_back(std::move(*transaction));
    s.collect_safe();
    s.watch_room();
    s.flush_receipts();
    s.flush_acks();
    s.flush_arrived();  // behind the acknowledgements
    s.answer_subscribed();
    s.follow_dead_letters();
    if (s.keeper.steps.is_on()) s.tell_steps();
}

void Exchange::show_steps(std::optional<std::size_t> steps_max) {
    Steps& steps = state_->keeper.steps;
    steps_max ? steps.begin(*steps_max) : steps.end();
}

// With the names of apps, as long as they are here.
void Exchange::State::tell_steps() {
    effects.steps = keeper.steps.take();
    effects.steps_missed = keeper.steps.take_missed();
    for (Event& step : effects.steps) {
        const auto found = sessions.find(step.session);
        if (!step.subject.empty() || found == sessions.end()) continue;
        step.subject = found->second.app + " (uid " + std::to_string(found->second.uid) + ")";
    }
}

Effects& Exchange::effects() { return state_->effects; }

}  // namespace bus::core
