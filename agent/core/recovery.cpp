// What an agent knows at its start: from its journal and its settings.

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

State::State(Settings the_settings, std::uint64_t the_incarnation, Recovered recovered, Time at,
             std::uint64_t wall_micros)
    : settings(std::move(the_settings)),
      incarnation(the_incarnation),
      nonce(recovered.nonce),
      now(at),
      started(at),
      keeper(recovered, at, wall_micros),
      own_interest(the_incarnation << 20),
      last_destination(recovered.last_destination) {
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
        peer->nonce = known.nonce;
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

}  // namespace bus::core
