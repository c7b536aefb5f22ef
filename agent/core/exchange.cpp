// The inputs, the turn and the journal's answers.

#include "core/exchange.h"

#include <algorithm>

#include "base/mutation.h"
#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

// ---- Start ----------------------------------------------------------------------------------

State::State(Settings the_settings, std::uint64_t the_incarnation, Recovered recovered, Time at,
             std::uint64_t wall_micros)
    : settings(std::move(the_settings)),
      incarnation(the_incarnation),
      now(at),
      started(at),
      keeper(recovered, at, wall_micros),
      own_interest(the_incarnation << 20),
      last_destination(recovered.last_destination),
      dead_letters(recovered.dead_letters) {
    next_tick = now + std::chrono::seconds{1};
    recover(recovered);
}

void State::recover(Recovered& recovered) {
    recover_groups(recovered);
    recover_peers(recovered);
    for (const auto& stream : recovered.streams) {
        keeper.ledger.recover(stream.id.to, stream.messages);
        if (const auto group = groups.find(stream.id.to); group != groups.end())
            group->second->recover(stream);
        else if (const auto peer = peers_by_destination.find(stream.id.to);
                 peer != peers_by_destination.end())
            peer->second->outbound->stream(stream.id.lane).recover(stream);
    }
    for (const auto& mark : recovered.producer_marks) {
        Producer& own = producers[mark.producer];
        own.id = mark.producer;
        own.uid = producer_uid_unknown;
        own.intake = std::make_shared<Intake>(mark.producer, mark.number);
        own.gone_since = now;
    }
    for (const auto& one : recovered.given_up) {
        Producer& own = producer(one.producer, producer_uid_unknown);
        own.gone_since = now;
        own.given_up[one.first_sequence] = {};
    }
    for (const auto& tombstone : recovered.tombstones)
        tombstones[{tombstone.kind, tombstone.name, tombstone.filter}] = tombstone.version;
    for (const auto& damage : recovered.damage)
        event(Event::Kind::journal_damaged, "journal", damage.reason);
    apply_peers();
    refresh_peer_queues();
    own_interest.take_changes();
}

void State::recover_groups(Recovered& recovered) {
    for (const auto& destination : recovered.destinations) {
        if (destination.type == Destination::Type::agent) continue;
        Group& group = add_group(destination);
        if (group.is_queue()) continue;
        show_interest(group);
        // Its session was cut by the agent's own restart: it collects until its app is back.
        if (destination.type == Destination::Type::anonymous)
            group.linger_until = now + limits::session_linger;
    }
}

void State::recover_peers(Recovered& recovered) {
    for (const auto& known : recovered.peers) {
        auto peer = std::make_unique<Peer>();
        peer->settings = {known.name, known.key};
        peer->configured = false;  // until apply_peers finds it in the settings
        peer->id = known.id;
        peer->incarnation = known.incarnation;
        std::uint64_t mark = 0;
        for (const auto& one : recovered.peer_marks)
            if (one.peer == known.id && one.incarnation == known.incarnation) mark = one.number;
        peer->intake =
            std::make_shared<Intake>(Intake::FromPeer{known.id, known.incarnation}, mark);
        for (const auto& destination : recovered.destinations) {
            if (destination.type != Destination::Type::agent || destination.agent != known.id)
                continue;
            peer->outbound = std::make_unique<Outbound>(destination, keeper);
            peers_by_destination[destination.id] = peer.get();
        }
        if (!peer->outbound) add_outbound(*peer);
        for (const auto& item : recovered.interest)
            if (item.peer == known.id)
                peer->interest.recover({.kind = item.kind,
                                        .durable = item.durable,
                                        .name = item.name,
                                        .group = item.group,
                                        .filter = item.filter});
        peers.emplace(known.key, std::move(peer));
    }
}

// The settings' peers are those that may link. What is owed to others stays theirs, and waits.
void State::apply_peers() {
    for (const auto& [key, peer] : peers) peer->configured = false;
    for (const auto& wanted : settings.peers) {
        auto& peer = peers[wanted.key];
        if (!peer) peer = std::make_unique<Peer>();
        peer->settings = wanted;
        peer->configured = true;
    }
    for (auto& [id, link] : links)
        if (!link.peer->configured)
            refuse_link(link, wire::Reject::not_allowed, true, "no longer a peer");
    forget_routes();
}

// ---- The turn ----------------------------------------------------------------------------------

void State::event(Event::Kind kind, std::string subject, std::string words,
                  std::uint64_t messages) {
    effects.events.push_back({kind, now, std::move(subject), std::move(words), messages, {}});
}

std::uint64_t State::memory_share() const {
    const bool pressed = keeper.meter.bytes() > limits::memory_pressure;
    return pressed ? limits::stream_memory / 16 : limits::stream_memory;
}

// Hands out and sends whatever may leave, and asks for what has to come back from disk.
void State::move_streams() {
    const auto share = memory_share();
    for (const StreamId& stream : std::exchange(keeper.journaled_streams, {})) {
        if (const auto group = groups.find(stream.to); group != groups.end())
            group->second->trim(share);
        else if (const auto peer = peers_by_destination.find(stream.to);
                 peer != peers_by_destination.end())
            peer->second->outbound->trim(share);
    }
    for (const DestinationId id : std::set<DestinationId>{delaying})
        if (groups.at(id)->next_deadline() <= now) touch(*groups.at(id));
    const bool queue_waits = hand_out_touched();
    for (const auto& [key, peer] : peers)
        if (peer->outbound && (peer->outbound->dirty || (queue_waits && !peer->queues.empty())))
            pump(*peer);
    hand_out_touched();  // what a peer has unblocked
}

// true: a queue was among them, so peers may have to look as well.
bool State::hand_out_touched() {
    const auto share = memory_share();
    bool queue_waits = false;
    for (const DestinationId id : std::exchange(touched, {})) {
        const auto found = groups.find(id);
        if (found == groups.end()) continue;
        Group& group = *found->second;
        group.dirty = false;
        group.hand_out(effects);
        group.read_on_if_wanted(share, false, effects.reads);
        if (group.next_deadline() == never)
            delaying.erase(id);
        else
            delaying.insert(id);
        queue_waits = queue_waits || group.is_queue();
    }
    return queue_waits;
}

void State::touch(Group& group) {
    if (!std::exchange(group.dirty, true)) touched.push_back(group.id());
}

void State::answer_subscribed() {
    std::erase_if(pending_replies, [&](const PendingReply& pending) {
        if (keeper.committed_through() < pending.after) return false;
        if (sessions.contains(pending.session)) reply(pending.session, pending.reply);
        return true;
    });
}

// Tells sources what has become safe.
void State::collect_safe() {
    for (const auto& intake : std::exchange(keeper.dirty_intakes, {})) {
        const auto safe = intake->take_newly_safe();
        if (const auto* id = std::get_if<ProducerId>(&intake->source())) {
            const auto found = producers.find(*id);
            if (found == producers.end()) continue;
            Producer& to = found->second;
            if (!std::exchange(to.tell, true)) producers_to_tell.push_back(&to);
            if (!to.session) continue;  // Welcome.safe tells it
            for (const auto& one : safe)
                to.receipts.push_back({.number = one.number,
                                       .stage = wire::Stage::safe,
                                       .fate = wire::Fate::reached,
                                       .destinations = one.destinations});
        } else {
            const auto& from = std::get<Intake::FromPeer>(intake->source());
            Peer* const peer = peer_by_id(from.peer);
            if (peer != nullptr && peer->intake == intake) peer->ack_due = true;
        }
    }
}

void State::tick() {
    next_tick = now + std::chrono::seconds{1};
    for (auto& [id, link] : links) tick_link(link);
    std::vector<DestinationId> ended;
    for (const auto& [id, group] : groups) {
        // A queue that nobody uses any more is forgotten; its next message makes it anew.
        const bool idle = group->idle() && keeper.ledger.account(id).waiting == 0;
        if (group->is_queue() && !group->interest_shown && idle &&
            ++group->idle_ticks > limits::queue_idle_ticks_max)
            ended.push_back(id);
        if (!idle) group->idle_ticks = 0;
        if (group->linger_until > now) continue;
        group->linger_until = never;
        if (group->consumers() > 0) continue;
        if (group->is_queue())
            hide_interest(*group);
        else
            ended.push_back(id);
    }
    for (const DestinationId id : ended) drop_group(id);
    ask_for_parts();
    forget_old_producers();
}

void State::forget_old_producers() {
    for (auto at = producers.begin(); at != producers.end();) {
        const Producer& own = at->second;
        const bool old = !own.session && now - own.gone_since > limits::producer_mark_life;
        if (!old || !own.intake->empty()) {
            ++at;
            continue;
        }
        if (own.intake->durable() > 0 || !own.given_up.empty())
            keeper.change(DropProducerMark{own.id});
        holds.forget(own.id);
        at = producers.erase(at);
    }
}

// ---- Exchange: inputs
// ------------------------------------------------------------------------------

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
    if (std::holds_alternative<wire::Bye>(command)) return s.close_session(session);
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

void State::on_published(const Session& session, const wire::Envelope& envelope, Batch batch) {
    const auto& header = batch.header();
    const auto refuse = [&](wire::Reject code, std::string reason) {
        reply(session.id, wire::Refused{envelope.number, code, std::move(reason)});
    };
    if (!session.producer || header.producer != *session.producer)
        return refuse(wire::Reject::malformed, "the batch is not of the producer that said hello");
    Producer& own = producers.at(*session.producer);
    if (header.guaranteed() && envelope.number == 0)
        return refuse(wire::Reject::malformed, "a guaranteed batch needs a number");
    if (header.guaranteed() && envelope.number <= own.intake->taken()) {
        ++duplicates_dropped;  // its receipt has been sent or will be
        if (!std::exchange(own.tell, true)) producers_to_tell.push_back(&own);
        return;
    }
    if (const auto why = why_not_publish(session, header)) {
        if (header.guaranteed()) keeper.attach_safe(own.intake, envelope.number, 0);
        return refuse(why->first, why->second);
    }
    if (mutated(Mutation::no_headroom) && !holds.of(own.id).empty())
        return refuse(wire::Reject::limit, "its backlog is full");
    if (own.intake->unsafe_bytes() > window_held_to(own) + 2 * limits::frame_bytes_max)
        return refuse(wire::Reject::limit, "more is on its way than the window allows");
    if (header.part) note_part(own, header);
    take({.intake = own.intake,
          .source = own.id,
          .from_peer = false,
          .number = envelope.number,
          .flags = envelope.flags,
          .lifetime_millis = envelope.lifetime_millis},
         std::move(batch));
}

std::optional<std::pair<wire::Reject, std::string>> State::why_not_publish(
    const Session& session, const wire::BatchHeader& header) {
    const std::string channel{header.channel};
    if (header.part) {
        const Producer& own = producers.at(header.producer);
        if (own.given_up.contains(header.part->first_sequence))
            return {
                {wire::Reject::limit, "its producer was away too long: the message was given up"}};
        if (header.part->index == 0 && own.unfinished.size() >= limits::unfinished_max)
            return {{wire::Reject::limit, "too many unfinished large messages of one producer"}};
    }
    if (header.kind == wire::Kind::service)
        return {{wire::Reject::unavailable, "services are not there yet"}};
    if (!wire::is_channel(channel)) return {{wire::Reject::bad_name, "$bus. is the agent's own"}};
    if (groups.size() >= limits::subscriptions_max && header.kind == wire::Kind::queue &&
        find_group(Destination::Type::queue, channel) == nullptr)
        return {{wire::Reject::limit, "too many queues and subscriptions at this agent"}};
    if (rules.may_publish(session.uid, header.kind, channel)) return std::nullopt;
    ++denied;
    std::string reason = "no rule lets uid " + std::to_string(session.uid) +
                         (header.kind == wire::Kind::queue ? " send to " : " publish on ") +
                         channel;
    event(Event::Kind::batch_denied, channel, reason, header.message_count);
    return {{wire::Reject::not_allowed, std::move(reason)}};
}

void Exchange::on_acks(SessionId id, std::span<const wire::Ack> acks, Time now) {
    State& s = at(now);
    const auto session = s.sessions.find(id);
    if (session == s.sessions.end()) return;
    if (!session->second.open) return s.reply(id, wire::Reset{"say hello first"});
    for (const wire::Ack& ack : acks) {
        const Lease* const lease = s.leases.find(ack.tag);
        // Of an earlier session, or decided before: harmless.
        if (lease == nullptr || lease->consumer.session != id) continue;
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
            .dialled = dialled,
            .last_heard = now,
            .retry = limits::hello_retry};
    if (dialled && !s.stopping) s.greet(link);
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
    if (const auto* refuse = std::get_if<wire::LinkRefuse>(&frame.body)) s.on_refuse(link, *refuse);
}

void State::on_hold(Link& link, const wire::LinkHold& hold) {
    for (const auto& channel : hold.hold) link.peer->outbound->held().hold(channel);
    for (const auto& channel : hold.resume) link.peer->outbound->held().resume(channel);
    link.peer->outbound->dirty = true;
}

void Exchange::on_link_batch(LinkId id, const wire::Envelope& envelope, Batch batch, Time now) {
    State& s = at(now);
    const auto found = s.links.find(id);
    if (found == s.links.end() || !found->second.peer->configured || s.stopping) return;
    State::Link& link = found->second;
    if (!s.count_in(link, envelope.session, envelope.count)) return;
    s.on_peer_batch(*link.peer, envelope, std::move(batch));
}

void State::on_peer_batch(Peer& peer, const wire::Envelope& envelope, Batch batch) {
    const auto& header = batch.header();
    peer.window.on_received(batch.size() + wire::envelope_length, now);
    peer.received_messages += batch.messages();
    if (!header.guaranteed()) peer.ack_due = true;  // its credit
    if (header.guaranteed() && envelope.number <= peer.intake->taken()) {
        ++duplicates_dropped;
        peer.ack_due = true;
        return;
    }
    if (header.kind == wire::Kind::service || !wire::is_channel(header.channel)) {
        keeper.attach_safe(peer.intake, envelope.number, 0);
        send(*peer.active, wire::LinkRefuse{envelope.number, wire::Reject::bad_name,
                                            "this agent takes no such channel"});
        return;
    }
    take({.intake = peer.intake,
          .source = peer.id,
          .from_peer = true,
          .number = envelope.number,
          .flags = envelope.flags,
          .lifetime_millis = envelope.lifetime_millis,
          .came_from = peer.outbound->destination().id},
         std::move(batch));
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

// ---- Exchange: the journal
// ---------------------------------------------------------------------------

void Exchange::on_journal(const JournalAnswer& answer, Time now) {
    State& s = at(now);
    if (const auto* committed = std::get_if<Committed>(&answer))
        return s.keeper.on_committed(*committed);
    if (const auto* loaded = std::get_if<Loaded>(&answer)) return s.on_loaded(*loaded);
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
    for (const auto& lost : damaged.lost)
        s.event(Event::Kind::journal_damaged, "journal",
                damaged.reason + ": batches " + std::to_string(lost.first.value) + " to " +
                    std::to_string(lost.last.value) + " of destination " +
                    std::to_string(lost.stream.to.value) + " are lost",
                lost.messages);
}

void State::on_loaded(const Loaded& answer) {
    const StreamId& stream = answer.request.stream;
    if (const auto group = groups.find(stream.to); group != groups.end()) {
        group->second->on_loaded(answer);
        touch(*group->second);
    } else if (const auto peer = peers_by_destination.find(stream.to);
               peer != peers_by_destination.end()) {
        peer->second->outbound->stream(stream.lane).on_loaded(answer, keeper);
        peer->second->outbound->dirty = true;
    }
}

// ---- Exchange: everything else
// -------------------------------------------------------------------------

void Exchange::advance(Time now) {
    State& s = at(now);
    if (now >= s.next_tick) s.tick();
}

Time Exchange::next_deadline() const {
    const State& s = *state_;
    Time next = s.keeper.next_due();
    if (s.needs_ticks()) next = std::min(next, s.next_tick);
    for (const DestinationId id : s.delaying)
        next = std::min(next, s.groups.at(id)->next_deadline());
    return next;
}

bool State::needs_ticks() const {
    if (!links.empty()) return true;
    for (const auto& [id, group] : groups)
        if (group->linger_until != never || group->is_queue() || group->has_large_messages())
            return true;
    return false;
}

void Exchange::reload(Settings settings, Time now) {
    State& s = at(now);
    s.settings = std::move(settings);
    s.apply_peers();
    s.refresh_peer_queues();
}

void Exchange::stop_accepting(Time now) {
    State& s = at(now);
    s.stopping = true;
    s.keeper.want_all();
}

bool Exchange::is_quiet() const { return state_->keeper.quiet(); }

void Exchange::finish_turn(Time now) {
    State& s = at(now);
    s.move_streams();
    s.announce_interest();
    if (auto transaction = s.keeper.gather())
        s.effects.transactions.push_back(std::move(*transaction));
    s.collect_safe();
    s.watch_room();
    s.flush_receipts();
    s.flush_acks();
    s.answer_subscribed();
}

Effects& Exchange::effects() { return state_->effects; }

}  // namespace bus::core
