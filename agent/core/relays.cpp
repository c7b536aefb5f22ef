// Agents beyond the neighbours: which way to them, what they want, and what
// neighbours are told of both. paths.h decides; here it takes effect.

#include <algorithm>

#include "base/mutation.h"
#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

// ---- The agents ---------------------------------------------------------------------------------

Remote* State::find_remote(const AgentId& agent) {
    const auto found = remotes.find(agent);
    return found == remotes.end() ? nullptr : found->second.get();
}

Remote* State::find_remote(DestinationId id) {
    const auto found = remotes_by_destination.find(id);
    return found == remotes_by_destination.end() ? nullptr : found->second;
}

Remote& State::remote(const AgentId& agent) {
    if (Remote* const found = find_remote(agent)) return *found;
    last_destination = last_destination.next();
    auto made = std::make_unique<Remote>(
        Destination{.type = Destination::Type::agent, .id = last_destination, .agent = agent},
        keeper);
    made->down_since = now;
    made->interest.join(remotes_by_interest, *made);
    keeper.change(PutDestination{made->destination()});
    remotes_by_destination[last_destination] = made.get();
    return *remotes.emplace(agent, std::move(made)).first->second;
}

Remote* State::learn(const AgentId& agent) {
    if (Remote* const found = find_remote(agent)) return found;
    return remotes.size() < limits::agents_max ? &remote(agent) : nullptr;
}

// A message may be owed to it if some way to it is allowed.
bool State::may_reach(const Remote& remote, wire::Kind kind, std::string_view channel) const {
    const auto ways = paths.ways(remote.agent());
    bool configured = false;
    for (const AgentId& by : ways) {
        const Peer* const peer = peer_by_id(by);
        if (peer == nullptr || !peer->configured) continue;
        configured = true;
        if (peer->may_have(kind, channel)) return true;
    }
    // Known from an earlier life, and not heard of yet: its neighbour is away.
    return !configured && peer_by_id(remote.agent()) == nullptr;
}

// ---- Links --------------------------------------------------------------------------------------

void State::put_neighbour(Peer& peer) {
    paths.put_neighbour(peer.id, peer.settings.cost, peer.relays && peer.settings.relays);
}

// A link that has been away for a while counts as down; until then nothing goes another way.
void State::settle_links() {
    if (!std::exchange(links_settling, false)) return;
    std::vector<Peer*> gone;
    for (const auto& peer : peers) {
        if (peer->active != nullptr || !paths.is_up(peer->id)) continue;
        if (now - peer->down_since < Duration{limits::link_flap})
            links_settling = true;
        else
            gone.push_back(peer.get());
    }
    for (Peer* peer : gone) paths.set_down(peer->id);
    apply_paths();
    for (Peer* peer : gone) peer->outbound->give_back_rerouted();
}

void State::apply_deferred_paths() {
    for (const AgentId& agent : std::exchange(paths_deferred, {})) apply_path(agent);
}

void State::apply_paths() {
    for (const AgentId& agent : paths.take_changed()) apply_path(agent);
}

void State::apply_path(const AgentId& agent) {
    const Paths::Path* const path = paths.best(agent);
    Remote* const known = path == nullptr ? find_remote(agent) : learn(agent);
    if (known == nullptr) return;
    Remote& to = *known;
    Peer* const by = path == nullptr ? nullptr : peer_by_id(path->neighbour());
    Outbound* const via = by == nullptr ? nullptr : by->outbound.get();
    if (to.up && (path == nullptr || !path->up()))
        to.down_since = by != nullptr && by->active == nullptr ? by->down_since : now;
    to.up = path != nullptr && path->up();
    change_way(to, via);
    routes.forget_all();
    refresh_queues(to);
    for (const auto& peer : peers)
        if (peer->active != nullptr && peer->id != agent) tell_path(*peer, agent);
}

// Parts of a large message must come in order: whoever has the first gets the last, as long as it
// can deliver it. Otherwise another has to begin anew, once it is clear what the first has.
void State::change_way(Remote& to, Outbound* via) {
    Outbound* const before = to.via;
    if (before == via) return;
    const bool failed = before == nullptr || has_failed(*before);
    if (!failed && to.is_half_way()) {
        paths_deferred.insert(to.agent());
        if (!leads_to(*before, to.agent())) before->detach(to);
        return;
    }
    if (before != nullptr) before->detach(to);
    if (via == nullptr) return;
    if (failed)
        for (const auto& peer : peers)
            if (peer->outbound.get() != via && has_failed(*peer->outbound))
                peer->outbound->give_back(to);
    if (to.parts_under_way() > 0) {
        paths_deferred.insert(to.agent());
        return;
    }
    if (failed) begin_large_messages_anew(to);
    via->attach(to);
    // What else is on its way by a link that is up will be answered for by who is there.
}

bool State::leads_to(const Outbound& outbound, const AgentId& agent) const {
    const auto ways = paths.ways(agent);
    return std::find(ways.begin(), ways.end(), peers_by_outbound.at(&outbound)->id) != ways.end();
}

// Its link is down, and has been for a while.
bool State::has_failed(const Outbound& outbound) const {
    return !outbound.is_open() && !paths.is_up(peers_by_outbound.at(&outbound)->id);
}

// The relay that had their beginning is gone with it.
void State::begin_large_messages_anew(Remote& to) {
    for (Group* const queue_here : std::vector<Group*>{to.queues})
        for (LargeMessage* message : queue_here->undecided_with(&to)) {
            for (const auto& peer : peers) peer->outbound->abandon(*queue_here, *message);
            to.abandon(*queue_here, *message);
            queue_here->reclaim(*message);
            touch(*queue_here);
        }
    to.begin_anew();
}

// ---- What neighbours are told
// --------------------------------------------------------------------

std::optional<wire::LinkPaths::Path> State::path_told(const Peer& peer, const AgentId& agent) {
    const Paths::Path* const path = paths.best(agent);
    const Remote* const to = find_remote(agent);
    if (!settings.relay || draining || !peer.settings.relays || path == nullptr || to == nullptr ||
        agent == peer.id || (path->passes(peer.id) && !mutated(Mutation::path_may_loop)) ||
        path->agents.size() >= wire::path_agents_max)
        return std::nullopt;
    // Who wants nothing need not be known.
    if (to->interest.size() == 0 && !peer.told.contains(agent)) return std::nullopt;
    return wire::LinkPaths::Path{.agents = path->agents,
                                 .cost = path->cost,
                                 .name = to->name,
                                 .interest_version = to->interest.version(),
                                 .interest_digest = to->interest.digest()};
}

void State::tell_all_paths(Peer& peer) {
    peer.told.clear();
    peer.told_digest = 0;
    peer.paths_to_tell.clear();
    if (!settings.relay || !peer.settings.relays) return;
    std::vector<wire::LinkPaths::Path> all;
    for (const auto& [agent, remote] : remotes) {
        const auto path = path_told(peer, agent);
        if (!path) continue;
        const auto hash = wire::digest(*path);
        peer.told[agent] = hash;
        peer.told_digest ^= hash;
        all.push_back(*path);
    }
    for (auto& part : wire::split_paths(wire::LinkPaths::Part::snapshot_last, all))
        send(*peer.active, std::move(part));
}

// If it differs from what the peer was told last.
void State::tell_path(Peer& peer, const AgentId& agent) {
    auto path = path_told(peer, agent);
    const auto before = peer.told.find(agent);
    if (!path && before == peer.told.end()) return;
    const auto hash = path ? wire::digest(*path) : 0;
    if (before != peer.told.end()) {
        if (before->second == hash) return;
        peer.told_digest ^= before->second;
        peer.told.erase(before);
    }
    if (path) {
        peer.told[agent] = hash;
        peer.told_digest ^= hash;
    } else {
        path = wire::LinkPaths::Path{.agents = {agent}, .cost = wire::no_path};
    }
    if (peer.paths_to_tell.empty()) paths_due.push_back(&peer);
    peer.paths_to_tell.push_back(std::move(*path));
}

// Together, once a turn. (A later word on one agent comes behind the earlier.)
void State::flush_paths() {
    for (Peer* const peer : std::exchange(paths_due, {})) {
        const auto told = std::exchange(peer->paths_to_tell, {});
        if (peer->active == nullptr || told.empty()) continue;
        for (auto& part : wire::split_paths(wire::LinkPaths::Part::change, told))
            send(*peer->active, std::move(part));
    }
}

// ---- What neighbours tell
// ------------------------------------------------------------------------

void State::on_paths(Link& link, const wire::LinkPaths& frame) {
    Peer& peer = *link.peer;
    if (!peer.settings.relays) return;
    if (!paths.told(peer.id, frame)) {
        event(Event::Kind::link_refused, peer.settings.name,
              "it tells paths to more agents than this one may know (limits::agents_max)");
        return end_session(link, "more paths than may be told", true);
    }
    apply_paths();
    apply_deferred_paths();
    for (const auto& path : frame.paths)
        if (Remote* const to = find_remote(path.to()))
            if ((to->name.empty() || peer_by_id(to->agent()) == nullptr) && to->name != path.name) {
                to->name = path.name;
                if (has_homes) routes.forget_all();  // it may keep a queue
            }
    ask_for_interest(link, frame.paths);
}

// Its word counts where nothing newer is known, and the agent itself cannot be asked.
void State::ask_for_interest(Link& link, const std::vector<wire::LinkPaths::Path>& told) {
    wire::LinkAsk ask;
    for (const auto& path : told) {
        const Remote* const to = find_remote(path.to());
        // A question that met the end of the path was not answered.
        if (path.cost == wire::no_path) link.peer->asked.erase(path.to());
        if (to == nullptr || path.cost == wire::no_path) continue;
        const Peer* const direct = peer_by_id(path.to());
        if (direct != nullptr && direct->active != nullptr) continue;
        const auto& known = to->interest;
        const bool newer = path.interest_version > known.version();
        const bool differs =
            path.interest_version == known.version() && path.interest_digest != known.digest();
        if ((newer || differs) && link.peer->asked.insert(path.to()).second)
            ask.agents.push_back(path.to());
        if (ask.agents.size() < limits::ask_agents_max) continue;
        send(link, std::exchange(ask, {}));
    }
    if (!ask.agents.empty()) send(link, std::move(ask));
}

void State::on_ask(Link& link, const wire::LinkAsk& ask) {
    for (const AgentId& agent : ask.agents) {
        const Remote* const of = find_remote(agent);
        if (of == nullptr || !link.peer->told.contains(agent)) continue;
        for (auto& part : wire::split_interest(wire::LinkInterest::Part::snapshot_last,
                                               of->interest.version(), of->interest.snapshot())) {
            part.agent = agent;
            send(link, std::move(part));
        }
    }
}

void State::on_interest_of(Link& link, const wire::LinkInterest& frame) {
    Peer& peer = *link.peer;
    const auto* const told = paths.told_of(peer.id, frame.agent);
    const Peer* const direct = peer_by_id(frame.agent);
    Remote* const of = find_remote(frame.agent);
    if (of == nullptr || (direct != nullptr && direct->active != nullptr)) return;
    const auto before = of->interest.version();
    const bool is_change = frame.part == wire::LinkInterest::Part::change;
    if (frame.part == wire::LinkInterest::Part::snapshot_last) peer.asked.erase(frame.agent);
    if (frame.version < before || (is_change && frame.version == before)) return;
    if (is_change && (frame.from != before || !of->interest.synchronised())) {
        if (told != nullptr && peer.asked.insert(frame.agent).second)
            send(link, wire::LinkAsk{{frame.agent}});
        return;
    }
    const auto change = of->interest.apply(frame, peer.id, PeerInterest::Teller::relay);
    if (!change) return;
    if (!is_change) look_at_home(frame.agent);
    keep_interest(*of, *change);
    tell_interest(*of, before, *change);
}

// What was recovered of it, and nobody has told of since, ends as a session's interest does.
void State::end_recovered_interest() {
    if (recovered_interest_ended || now - started < limits::session_linger) return;
    recovered_interest_ended = true;
    for (const auto& [agent, remote] : remotes) {
        PeerInterest::Change ended;
        ended.removed = remote->interest.stop_waiting();
        keep_interest(*remote, ended);
    }
}

// To those who know a path to it from here: what changed, then the version that it led to.
void State::tell_interest(const Remote& of, std::uint64_t from,
                          const PeerInterest::Change& change) {
    std::vector<wire::InterestItem> items;
    for (auto item : change.added) {
        item.op = wire::InterestItem::Op::add;
        items.push_back(std::move(item));
    }
    for (auto item : change.removed) {
        item.op = wire::InterestItem::Op::remove;
        items.push_back(std::move(item));
    }
    auto frames =
        wire::split_interest(wire::LinkInterest::Part::change, of.interest.version(), items);
    // Too much for one: whoever hears of the version asks for the whole.
    const bool fits = frames.size() == 1 && from != of.interest.version();
    frames.front().agent = of.agent();
    frames.front().from = from;
    for (const auto& peer : peers) {
        if (peer->active == nullptr || peer->id == of.agent()) continue;
        if (fits && peer->told.contains(of.agent())) send(*peer->active, frames.front());
        tell_path(*peer, of.agent());
    }
}

// ---- The receipt `arrived`, hop by hop ----------------------------------------------------------

void State::note_arrival(const Keeper::Arrival& arrival) {
    const auto& from = std::get<Intake::FromPeer>(arrival.source->source());
    Peer* const peer = peer_by_id(from.peer);
    if (peer == nullptr || peer->intake != arrival.source) return;  // of an earlier start of its
    if (peer->arrived.size() >= limits::receipts_kept_max) {
        // The oldest word is lost: its source finds out at the next start of either.
        peer->arrived.pop_front();
        peer->arrived_told -= std::min<std::size_t>(peer->arrived_told, 1);
    }
    peer->arrived.push_back({arrival.number, arrival.fate});
    want_arrived_told(*peer);
}

void State::want_arrived_told(Peer& peer) {
    if (!std::exchange(peer.tell_arrived, true)) arrived_due.push_back(&peer);
}

void State::flush_arrived() {
    for (Peer* const peer : std::exchange(arrived_due, {})) {
        peer->tell_arrived = false;
        if (peer->active == nullptr) continue;
        while (peer->arrived_told < peer->arrived.size()) {
            wire::LinkArrived frame;
            while (peer->arrived_told < peer->arrived.size() &&
                   frame.batches.size() < limits::ask_agents_max)
                frame.batches.push_back(peer->arrived[peer->arrived_told++]);
            const auto batches = frame.batches.size();
            send(*peer->active, std::move(frame));
            peer->arrived_frames.push_back({peer->active->sent, batches});
        }
    }
}

void State::confirm_arrived(Peer& peer, std::uint64_t received) {
    while (!peer.arrived_frames.empty() && peer.arrived_frames.front().count <= received) {
        const auto batches = std::min(peer.arrived_frames.front().batches, peer.arrived.size());
        peer.arrived.erase(peer.arrived.begin(),
                           peer.arrived.begin() + static_cast<std::ptrdiff_t>(batches));
        peer.arrived_told -= std::min(peer.arrived_told, batches);
        peer.arrived_frames.pop_front();
    }
}

// ---- Questions that go from hop to hop
// ------------------------------------------------------------

// Lost on the way, it is asked again.
void State::send_towards(const AgentId& agent, const wire::LinkUnfinished& message) {
    auto question = message;
    if (++question.hops > limits::batch_hops_max) return;
    const Remote* const to = find_remote(agent);
    if (to != nullptr && to->via != nullptr) {
        if (Link* const link = peers_by_outbound.at(to->via)->active) send(*link, question);
        return;
    }
    // Who wants nothing is not told of: whoever relays may know it.
    for (const auto& peer : peers)
        if (peer->active != nullptr && peer->relays && peer->id != message.asker)
            send(*peer->active, question);
}

}  // namespace bus::core
