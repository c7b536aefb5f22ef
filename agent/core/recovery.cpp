// What an agent knows at its start: from its journal and its settings.

#include <algorithm>

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
      last_destination(recovered.last_destination),
      dead_letters(recovered.space.last_dead_letter) {
    next_tick = now + std::chrono::seconds{1};
    recover(recovered);
}

void State::recover(Recovered& recovered) {
    recover_groups(recovered);
    recover_remotes(recovered);
    recover_peers(recovered);
    for (const auto& stream : recovered.streams) {
        keeper.ledger.recover(stream.id.to, stream.messages);
        const Time oldest = stream.oldest_wall_micros == 0
                                ? Time{}
                                : std::min(now, keeper.from_wall(stream.oldest_wall_micros));
        if (const auto group = groups.find(stream.id.to); group != groups.end()) {
            group->second->recover(stream, oldest);
            watch_share(*group->second);
        } else if (stream.id.to == delays.id()) {
            delays.recover(stream);
        } else if (Remote* const to = find_remote(stream.id.to)) {
            to->stream(stream.id.lane).recover(stream, oldest);
        }
    }
    for (const auto& kept : recovered.gaps)
        if (const auto group = groups.find(kept.destination); group != groups.end())
            group->second->gaps = kept.gaps;
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
        tombstones[{tombstone.kind, tombstone.name, tombstone.group, tombstone.filter}] =
            tombstone.version;
    for (const auto& damage : recovered.damage)
        event(Event::Kind::journal_damaged, "journal", damage.reason);
    apply_peers();
    apply_channels();
    apply_homes();
    recover_last_values(recovered);
    apply_subscriptions();
    apply_forwarding();
    own_interest.take_changes();
}

void State::recover_groups(Recovered& recovered) {
    for (const auto& destination : recovered.destinations) {
        if (destination.type == Destination::Type::agent) continue;
        if (destination.type == Destination::Type::delay) {
            delays.found(destination.id);
            continue;
        }
        Group& group = add_group(destination);
        recover_shared(group);
        if (group.is_queue()) continue;
        show_interest(group);
        // Its session was cut by the agent's own restart: it collects until its app is back.
        if (destination.type != Destination::Type::anonymous) continue;
        group.linger_until = now + limits::session_linger;
        restless.insert(group.id());
    }
}

void State::recover_remotes(Recovered& recovered) {
    for (const auto& destination : recovered.destinations) {
        if (destination.type != Destination::Type::agent) continue;
        auto known = std::make_unique<Remote>(destination, keeper);
        known->name = known->kept_name = destination.name;
        known->interest.join(remotes_by_interest, *known);
        remotes_by_destination[destination.id] = known.get();
        remotes.emplace(destination.agent, std::move(known));
    }
    for (const auto& item : recovered.interest)
        remote(item.peer).interest.recover({.kind = item.kind,
                                            .durable = item.durable,
                                            .name = item.name,
                                            .group = item.group,
                                            .filter = item.filter});
    for (const auto& [agent, remote] : remotes)
        for (const auto& [key, item] : remote->interest.items()) learn_shared(*remote, item);
    drop_unwanted();
}

void State::recover_peers(Recovered& recovered) {
    for (const auto& known : recovered.peers) {
        Peer& peer = add_peer();
        peer.settings.name = known.name;
        peer.key = known.key;
        peer.configured = false;  // until apply_peers finds it in the settings
        peer.id = known.id;
        peers_by_id[peer.id] = &peer;
        peer.incarnation = known.incarnation;
        peer.nonce = known.nonce;
        peer.tickets = known.tickets;
        std::uint64_t mark = 0;
        for (const auto& one : recovered.peer_marks)
            if (one.peer == known.id && one.incarnation == known.incarnation) mark = one.number;
        peer.intake = std::make_shared<Intake>(Intake::FromPeer{known.id, known.incarnation}, mark);
        peer.remote = &remote(known.id);
        peer.remote->name = known.name;
        peer.outbound->set_neighbour(*peer.remote);
    }
}

State::Peer& State::add_peer() {
    Peer& added = *peers.emplace_back(std::make_unique<Peer>());
    added.outbound = std::make_unique<Outbound>(keeper, dirty_outbounds);
    peers_by_outbound[added.outbound.get()] = &added;
    return added;
}

// A peer is found again by its key, or, if that was replaced, by its name: what is owed to it and
// what it gave hang on its agent's id.
State::Peer& State::peer_for(const PeerSettings& wanted) {
    const auto has_its_key = [&](const auto& peer) {
        return std::find(wanted.keys.begin(), wanted.keys.end(), peer->key) != wanted.keys.end();
    };
    auto found = std::find_if(peers.begin(), peers.end(), has_its_key);
    if (found == peers.end())
        found = std::find_if(peers.begin(), peers.end(), [&](const auto& peer) {
            return !peer->configured && !peer->removed && peer->settings.name == wanted.name;
        });
    if (found != peers.end()) return **found;
    return add_peer();
}

// The settings' peers are those that may link. What is owed to others stays theirs, and waits.
void State::apply_peers() {
    for (const auto& peer : peers) peer->configured = false;
    peers_by_key.clear();
    rated.clear();
    for (const auto& wanted : settings.peers) {
        Peer& peer = peer_for(wanted);
        peer.settings = wanted;
        peer.configured = true;
        peer.removed = false;
        for (const auto& key : wanted.keys) peers_by_key[key] = &peer;
        peer.outbound->set_rate(wanted.rate_bytes_per_second);
        if (wanted.rate_bytes_per_second > 0) rated.push_back(&peer);
        peer.outbound->set_rules(!wanted.may ? HeldChannels::MayHave{}
                                             : [&peer](wire::Kind kind, std::string_view channel) {
                                                   return peer.may_have(kind, channel);
                                               });
    }
    for (auto& [id, link] : links)
        if (peer_by_key(link.key) != link.peer)
            refuse_link(link, wire::Reject::not_allowed, true,
                        link.peer->configured ? "its key was revoked" : "no longer a peer");
    for (const auto& peer : peers) {
        if (peer->id.is_zero()) continue;
        if (peer->configured)
            put_neighbour(*peer);
        else
            paths.drop_neighbour(peer->id);
    }
    apply_paths();
    routes.forget_all();
    for (const auto& [agent, remote] : remotes) refresh_queues(*remote);
}

}  // namespace bus::core
