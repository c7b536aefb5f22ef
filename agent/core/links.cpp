// The link side of the exchange: the session with a peer, from HELLO to its
// end, and what arrives over it. PROTOCOL.md, "The link protocol".

#include <algorithm>

#include "base/mutation.h"
#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using wire::Reject;
using Phase = Exchange::State::Link::Phase;

namespace {

std::uint64_t nanos(Time time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

}  // namespace

std::string Exchange::State::Peer::state_word() const {
    if (!configured) return "not configured";
    return active != nullptr ? "up" : "down";
}

std::string Exchange::State::Peer::error_words(Time now) const {
    if (last_error.empty())
        return settings.has_address || active != nullptr
                   ? ""
                   : "this agent has no address of it and waits to be dialled";
    if (last_error_at == down_since) return last_error;  // what ended it: its time is told already
    return last_error + ", " + in_words(now - last_error_at) + " ago";
}

Exchange::State::Peer* Exchange::State::peer_by_key(const std::string& key) {
    const auto found = peers_by_key.find(key);
    return found == peers_by_key.end() ? nullptr : found->second;
}

Exchange::State::Peer* Exchange::State::peer_by_id(const AgentId& id) const {
    const auto found = peers_by_id.find(id);
    return found == peers_by_id.end() ? nullptr : found->second;
}

Exchange::State::Peer* Exchange::State::configured_peer(const std::string& name) const {
    const auto found = std::find_if(peers.begin(), peers.end(), [&](const auto& peer) {
        return peer->configured && peer->settings.name == name;
    });
    return found == peers.end() ? nullptr : found->get();
}

void Exchange::State::send(Link& link, wire::LinkBody body) {
    link.last_sent = now;
    effects.to_links.push_back(
        {link.id,
         wire::LinkFrame{{.session = link.session, .count = ++link.sent}, std::move(body)}});
    if (mutated(Mutation::keepalive_uncounted) &&
        std::holds_alternative<wire::LinkKeepalive>(
            std::get<wire::LinkFrame>(effects.to_links.back().what).body))
        --link.sent;
}

std::uint64_t Exchange::State::send_parcel(Link& link, const Outbound::Parcel& parcel) {
    link.last_sent = now;
    wire::Envelope envelope = parcel.envelope;
    envelope.session = link.session;
    envelope.count = ++link.sent;
    envelope.group = parcel.batch.header().group;
    const Remote* const origin = find_remote(parcel.source);
    const bool is_for_peer = parcel.finals.empty() ||
                             (parcel.finals.size() == 1 && parcel.finals.front() == link.peer->id);
    if (!is_for_peer || origin != nullptr)
        envelope.route = std::make_shared<wire::Route>(
            wire::Route{.hops = static_cast<std::uint8_t>(parcel.hops + 1),
                        .origin = origin != nullptr ? origin->agent() : settings.agent,
                        .finals = is_for_peer ? std::vector<AgentId>{} : parcel.finals});
    link.peer->sent.count(parcel.batch.messages(), wire::envelope_length + parcel.batch.size());
    effects.to_links.push_back(
        {link.id, SendBatch{envelope, parcel.batch, 0, parcel.batch.header().body_length}});
    return envelope.count;
}

// ---- HELLO -------------------------------------------------------------------------------------

// The dialling side begins, with a session number that nobody used before.
void Exchange::State::greet(Link& link) {
    link.session = random() | 1;
    link.sent = link.received = 0;
    link.phase = Phase::greeting;
    link.greeted = now;
    say_hello(link, false);
}

void Exchange::State::say_hello(Link& link, bool answer) {
    auto hello = hello_to(*link.peer, answer);
    link.held_told = hello.held;
    send(link, std::move(hello));
}

// What changed since HELLO named the holds was told to the session that this one replaces.
void Exchange::State::tell_holds_since(Link& link) {
    const auto held = holds.of(link.peer->id);
    const auto without = [](std::vector<wire::ChannelKey> some,
                            const std::vector<wire::ChannelKey>& others) {
        std::erase_if(some, [&](const wire::ChannelKey& key) {
            return std::find(others.begin(), others.end(), key) != others.end();
        });
        return some;
    };
    wire::LinkHold news{.hold = without(held, link.held_told),
                        .resume = without(link.held_told, held)};
    if (mutated(Mutation::hold_forgotten) || (news.hold.empty() && news.resume.empty())) return;
    send(link, std::move(news));
}

wire::LinkHello Exchange::State::hello_to(const Peer& peer, bool answer) const {
    return {.agent = settings.agent,
            .name = settings.name,
            .incarnation = incarnation,
            .your_incarnation = peer.incarnation,
            .your_taken = peer.intake ? peer.intake->taken() : 0,
            .window = peer.window.bytes(window_share()),
            .interest_version = own_interest.version(),
            .answer = answer,
            .relay = settings.relay,
            .held = peer.id.is_zero() || mutated(Mutation::hold_forgotten)
                        ? std::vector<wire::ChannelKey>{}
                        : holds.of(peer.id),
            .nonce = nonce,
            .your_nonce = peer.nonce,
            .tickets = true,
            .questions = true,
            .rejoins = peer.tickets.rejoining,
            .ticket = peer.tickets.held,
            .given = peer.outbound->given()};
}

std::uint64_t Exchange::State::window_share() const {
    return limits::link_windows_sum / std::max<std::size_t>(1, peers.size());
}

void Exchange::State::refuse_link(Link& link, Reject code, bool final, const std::string& reason) {
    if (link.peer->active == &link) end_session(link, reason, false);
    link.peer->note_error(reason, now);
    event(Event::Kind::link_refused, link.peer->settings.name, reason);
    send(link, wire::LinkReset{.code = code, .final = final, .reason = reason});
    link.phase = Phase::silent;
    if (link.dialled) effects.close_links.push_back({link.id, final});
}

void Exchange::State::on_link_hello(Link& link, const wire::LinkFrame& frame) {
    const auto& hello = std::get<wire::LinkHello>(frame.body);
    if (link.dialled &&
        (link.phase != Phase::greeting || frame.head.session != link.session || !hello.answer))
        return;  // of an earlier session
    if (!link.dialled && hello.answer) return;
    if (link.phase == Phase::open && !link.dialled) end_session(link, "the peer began anew", false);
    if (!link.dialled) {
        link.session = frame.head.session;
        link.sent = 0;
    }
    link.received = frame.head.count;
    if (hello.protocol_min > wire::protocol_max || hello.protocol_max < wire::protocol_min)
        return refuse_link(link, Reject::bad_version, true,
                           "it speaks link protocol " + std::to_string(hello.protocol_min) +
                               " to " + std::to_string(hello.protocol_max) + ", this agent " +
                               std::to_string(wire::protocol_min) + " to " +
                               std::to_string(wire::protocol_max));
    const Standing standing = standing_of(*link.peer, hello);
    if (const auto reason = why_refuse(*link.peer, hello, standing))
        return refuse_link(link, Reject::not_allowed, true, *reason);
    if (is_linked_elsewhere(link, hello))
        return refuse_link(
            link, Reject::unavailable, false,
            "another start of " + hello.name +
                " is linked at this moment: a clone, or a line not known to be dead");
    if (!choose_between(link, hello.agent)) return;
    if (!link.dialled) say_hello(link, true);
    open_session(link, hello, standing);
}

void Exchange::State::open_session(Link& link, const wire::LinkHello& hello, Standing standing) {
    Peer& peer = *link.peer;
    const bool same_start = is_same_start(peer, hello);
    tell_lost(peer, hello, standing);
    meet(link, hello);
    link.phase = Phase::open;
    link.retry = {};
    link.last_heard = link.last_asked = now;
    peer.active = &link;
    peer.last_error.clear();
    peer.remote->interest.begin(peer.id);
    peer.relays = hello.relay;
    peer.takes_questions = hello.questions;
    put_neighbour(peer);
    paths.set_up(peer.id);
    apply_paths();

    const bool same_me = hello.your_incarnation == incarnation;
    peer.outbound->open(hello.incarnation, same_me ? hello.your_taken : 0, hello.window,
                        hello.held);
    for (auto& part : wire::split_interest(wire::LinkInterest::Part::snapshot_last,
                                           own_interest.version(), snapshot_with_removals()))
        send(link, std::move(part));
    peer.up_since = peer.interest_told = now;
    peer.interest_frame = link.sent;
    peer.interest_heard.reset();
    begin_tickets(peer, hello, same_start);
    if (draining) (void)holds.hold(peer.id, every_channel, drain_cause);
    tell_holds_since(link);
    tell_all_paths(peer);
    peer.arrived_told = 0;
    peer.arrived_frames.clear();
    if (!peer.arrived.empty()) want_arrived_told(peer);
    want_ack(peer);
    routes.forget_all();
    const auto backlog = peer.outbound->backlog();
    event(Event::Kind::link_up, peer.settings.name,
          backlog.messages == 0 ? "up"
                                : "up, " + std::to_string(backlog.messages) + " messages waiting",
          backlog.messages);
}

std::vector<wire::InterestItem> Exchange::State::snapshot_with_removals() const {
    auto items = own_interest.snapshot();
    for (const auto& [key, version] : tombstones)
        items.push_back({.op = wire::InterestItem::Op::remove,
                         .kind = std::get<0>(key),
                         .durable = true,
                         .name = std::get<1>(key),
                         .group = std::get<2>(key),
                         .filter = std::get<3>(key)});
    return items;
}

// ---- The end of a session
// -------------------------------------------------------------------------

void Exchange::State::end_session(Link& link, const std::string& why, bool tell) {
    if (tell && link.phase != Phase::silent)
        send(link, wire::LinkReset{.code = Reject::none, .final = false, .reason = why});
    link.phase = Phase::silent;
    Peer& peer = *link.peer;
    if (peer.active != &link) return;
    peer.active = nullptr;
    peer.down_since = now;
    peer.note_error(why, now);
    peer.outbound->close();
    links_settling = true;
    peer.told.clear();
    peer.paths_to_tell.clear();
    peer.told_digest = 0;
    peer.asked.clear();
    const auto backlog = peer.outbound->backlog();
    event(Event::Kind::link_down, peer.settings.name,
          why + ", reconnecting (" + std::to_string(backlog.messages) + " messages waiting)",
          backlog.messages);
}

// Every frame of the session counts; what libzmq lost when it reconnected shows as a gap.
bool Exchange::State::count_in(Link& link, std::uint64_t session, std::uint64_t count) {
    if (link.phase != Phase::open || session != link.session) {
        // Data without HELLO: the dialling side must begin. Frames of a replaced session are old
        // news.
        if (link.phase == Phase::silent && !link.dialled && session != link.session) {
            link.session = session;
            send(link, wire::LinkReset{.code = Reject::no_hello,
                                       .final = false,
                                       .reason = "no session is open, say hello"});
        }
        return false;
    }
    link.last_heard = now;
    if (count == link.received + 1 ||
        (mutated(Mutation::frame_count_ignored) && count > link.received)) {
        link.received = count;
        return true;
    }
    if (count <= link.received) return false;
    event(Event::Kind::link_gap, link.peer->settings.name,
          std::to_string(count - link.received - 1) + " frames were lost, saying hello again");
    end_session(link, "frames were lost", true);
    if (link.dialled) greet(link);
    return false;
}

// ---- What arrives
// ------------------------------------------------------------------------------------

void Exchange::State::on_ack(Link& link, const wire::LinkAck& ack) {
    confirm_arrived(*link.peer, ack.received);
    if (ack.received >= link.peer->interest_frame) note_interest_heard(*link.peer);
    if (!link.peer->outbound->on_ack(ack)) {
        ++malformed;
        end_session(link, "it acknowledged what was never sent", true);
        if (link.dialled) greet(link);
    }
}

void Exchange::State::on_hold(Link& link, const wire::LinkHold& hold) {
    link.peer->outbound->hold(hold.hold);
    link.peer->outbound->resume(hold.resume);
}

void Exchange::State::on_interest(Link& link, const wire::LinkInterest& frame) {
    if (frame.part == wire::LinkInterest::Part::give_back) return on_given_back(link, frame.items);
    if (!frame.agent.is_zero() && frame.agent != link.peer->id) return on_interest_of(link, frame);
    Remote& of = *link.peer->remote;
    const auto before = of.interest.version();
    const auto change = of.interest.apply(frame, of.agent());
    if (!change) return;
    for (auto& part : wire::split_interest(wire::LinkInterest::Part::give_back,
                                           of.interest.version(), change->give_back))
        if (!part.items.empty()) send(link, std::move(part));
    keep_interest(of, *change);
    tell_interest(of, before, *change);
}

void Exchange::State::keep_interest(Remote& of, const PeerInterest::Change& change) {
    for (const auto& item : change.removed)
        keeper.change(DropInterest{of.agent(), item.kind, item.name, item.filter, item.group},
                      true);
    for (const auto& item : change.added) {
        if (wire::is_late_joiner(item.group)) {
            answer_late_joiner(of, item);
            continue;
        }
        keeper.change(
            PutInterest{of.agent(), item.kind, item.durable, item.name, item.group, item.filter},
            true);
    }
    bool of_queues = false;  // or services
    for (const auto* items : {&change.added, &change.removed})
        for (const auto& item : *items) {
            routes.note_change(item.kind, item.filter);
            of_queues = of_queues || item.kind != wire::Kind::topic || !item.group.empty();
        }
    for (const auto& item : change.removed) forget_shared(of, item);
    for (const auto& item : change.added) learn_shared(of, item);
    if (of_queues) refresh_queues(of);
}

// Durable interest that this agent lost (its journal is new, or was restored): it is wanted again,
// without consumers, unless it was removed on purpose.
void Exchange::State::on_given_back(Link& link, const std::vector<wire::InterestItem>& items) {
    for (const auto& item : items) {
        if (tombstones.contains(key_of(item))) {
            auto removal = item;
            removal.op = wire::InterestItem::Op::remove;
            send(link, wire::LinkInterest{.version = own_interest.version(), .items = {removal}});
            continue;
        }
        if (!item.durable) continue;
        if (!item.group.empty()) {
            declare_shared(shared(item.group, item.filter), {});
        } else {
            if (find_group(Destination::Type::durable, item.name) != nullptr) continue;
            Group& again = add_subscription({.type = Destination::Type::durable,
                                             .kind = item.kind,
                                             .name = item.name,
                                             .filter = item.filter});
            show_interest(again);
            note_gap(again, {.reason = wire::Gap::Reason::restored});
        }
        event(Event::Kind::subscription_added, item.name,
              "given back by " + link.peer->settings.name + ": this journal did not know it");
    }
}

void Exchange::State::on_keepalive(Link& link, const wire::LinkKeepalive& keepalive) {
    Peer& peer = *link.peer;
    if (keepalive.reply_to != 0 && keepalive.reply_to <= nanos(now)) {
        peer.rtt_micros = (nanos(now) - keepalive.reply_to) / 1000;
        note_echo(peer, keepalive.reply_to);
        // Frames come in order: what left before the question was heard before the answer.
        if (keepalive.reply_to > nanos(peer.interest_told)) note_interest_heard(peer);
    }
    const PeerInterest& known = peer.remote->interest;
    const bool same_version = keepalive.interest_version == known.version();
    const bool same_paths =
        !peer.relays || !peer.settings.relays || keepalive.paths_digest == paths.digest(peer.id);
    if (known.synchronised() &&
        ((same_version && keepalive.interest_digest != known.digest()) || !same_paths)) {
        end_session(link,
                    same_paths ? "its interest differs from what is known here, asking again"
                               : "its paths differ from what is known here, asking again",
                    true);
        if (link.dialled) greet(link);
        return;
    }
    if (keepalive.echo == 0) return;
    flush_paths();  // its digest counts them
    send(link, keepalive_to(peer, 0, keepalive.echo));
}

wire::LinkKeepalive Exchange::State::keepalive_to(const Peer& peer, std::uint64_t echo,
                                                  std::uint64_t reply_to) const {
    return {.interest_version = own_interest.version(),
            .interest_digest = own_interest.digest(),
            .echo = echo,
            .reply_to = reply_to,
            .paths_digest = peer.told_digest};
}

std::uint64_t Exchange::State::ask_for_echo(Peer& peer) {
    flush_paths();  // its digest counts them
    send(*peer.active, keepalive_to(peer, nanos(now), 0));
    return nanos(now);
}

// Not to be guessed by whoever is not on the way, and within what JSON has of numbers.
QuestionId Exchange::State::next_question() { return QuestionId{random() >> 11 | 1}; }

void Exchange::State::on_reset(Link& link, const wire::LinkReset& reset) {
    if (reset.code == Reject::in_use && link.dialled) {  // two links: this one is not kept
        link.phase = Phase::silent;
        effects.close_links.push_back({link.id, true});
        return;
    }
    const auto reason = "the peer ended the session: " + reset.reason;
    end_session(link, reason, false);
    link.peer->note_error(reason, now);
    if (!link.dialled) return;
    if (reset.code == Reject::unavailable) return effects.close_links.push_back({link.id, false});
    if (!reset.final) return greet(link);
    event(Event::Kind::link_refused, link.peer->settings.name, reason);
    effects.close_links.push_back({link.id, true});
}

void Exchange::State::on_refuse(Link& link, const wire::LinkRefuse& refuse) {
    const std::string reason = "refused by " + link.peer->settings.name + ": " + refuse.reason;
    if (link.peer->outbound->on_refuse(refuse.number, reason)) {
        event(Event::Kind::batch_refused, link.peer->settings.name, reason);
    }
}

// ---- What leaves
// ---------------------------------------------------------------------------------------

void Exchange::State::announce_interest() {
    const auto changes = own_interest.take_changes();
    if (changes.empty()) return;
    for (const auto& peer : peers) {
        if (peer->active == nullptr) continue;
        for (auto& part : wire::split_interest(wire::LinkInterest::Part::change,
                                               own_interest.version(), changes))
            send(*peer->active, std::move(part));
        peer->interest_told = now;
        peer->interest_frame = peer->active->sent;
        peer->interest_heard.reset();
    }
}

void Exchange::State::note_interest_heard(Peer& peer) const {
    if (!peer.interest_heard) peer.interest_heard = now;
}

void Exchange::State::want_ack(Peer& peer) {
    if (!std::exchange(peer.ack_due, true)) acks_due.push_back(&peer);
}

void Exchange::State::flush_acks() {
    for (Peer* const peer : std::exchange(acks_due, {})) {
        peer->ack_due = false;
        if (peer->active == nullptr) continue;
        send(*peer->active, wire::LinkAck{.through = peer->intake->safe_through(),
                                          .window = peer->window.bytes(window_share()),
                                          .received = peer->active->received,
                                          .ranges = peer->intake->ranges_beyond()});
    }
}

void Exchange::State::pump(Peer& peer) {
    Link* const link = peer.active;
    peer.outbound->pump([&](const Outbound::Parcel& parcel) { return send_parcel(*link, parcel); });
    if (link == nullptr) return;
    peer.outbound->read_on(memory_share(), effects.reads);
    for (const Remote* behind : peer.outbound->remotes())
        for (Group* queue_here : behind->queues) {
            queue_here->read_on_if_wanted(memory_share(), true, effects.reads);
            if (std::exchange(queue_here->unblocked, false)) touch(*queue_here);
        }
}

void Exchange::State::tick_link(Link& link) {
    if (link.phase == Phase::greeting && now - link.greeted >= link.retry) {
        link.retry = std::min(Duration{limits::hello_retry_max}, 2 * link.retry);
        greet(link);
    }
    if (link.phase != Phase::open) return;
    issue_anew(*link.peer);
    if (now - link.last_heard > limits::link_silence_max) {
        end_session(link, "nothing was heard for 30 s", true);
        if (link.dialled) effects.close_links.push_back({link.id, false});
        return;
    }
    // On a busy link it measures the round trip.
    if (now - link.last_sent < limits::keepalive_interval &&
        now - link.last_asked < limits::round_trip_interval)
        return;
    link.last_asked = now;
    send(link, keepalive_to(*link.peer, nanos(now), 0));
}

}  // namespace bus::core
