// Forgetting an agent. In one turn, and so in one transaction: what is owed to
// it is dead-lettered (what is in memory here, the rest by the journal, in
// small steps), what it had of queues goes back to them, and then nothing of it
// is left but the counts that must not begin again while this agent runs.

#include "core/removal.h"

#include <algorithm>
#include <array>

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

// ---- What it would mean --------------------------------------------------------------------

// One of the settings has its name for itself.
State::Peer* State::find_peer(const std::string& name) const {
    Peer* found = nullptr;
    for (const auto& peer : peers) {
        if (peer->removed || (peer->settings.name != name && to_text(peer->id) != name)) continue;
        if (peer->configured) return peer.get();
        found = peer.get();
    }
    return found;
}

std::vector<std::string> State::ways_but(const AgentId& agent, const Peer* without) const {
    std::vector<std::string> names;
    for (const AgentId& by : paths.ways(agent)) {
        const Peer* const peer = peer_by_id(by);
        if (peer != nullptr && peer != without && peer->configured)
            names.push_back(peer->settings.name);
    }
    return names;
}

Removal::Owed State::owed_to(const Remote& remote) const {
    Run::Size all = remote.waiting();
    for (const auto& peer : peers)
        all.add(peer->outbound->under_way_to(remote, Outbound::Of::own_stream));
    const Time oldest = std::min(now, remote.oldest());
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - oldest).count();
    return {all.messages, all.bytes, static_cast<std::uint64_t>(age)};
}

namespace {

std::vector<Removal::Part> parts_of(Remote& remote, const Removal::Owed& all) {
    static constexpr std::array<const char*, wire::lane_count> words{"high lane", "normal lane",
                                                                     "low lane"};
    std::vector<Removal::Part> parts;
    Removal::Owed rest = all;
    for (std::size_t lane = 0; lane < wire::lane_count; ++lane) {
        const auto size = remote.stream(static_cast<wire::Lane>(lane)).size();
        if (size.entries == 0) continue;
        parts.push_back({words[lane], {size.messages, size.bytes, 0}});
        rest.messages -= std::min(rest.messages, size.messages);
        rest.bytes -= std::min(rest.bytes, size.bytes);
    }
    if (rest.messages > 0)
        parts.push_back({"sent, not acknowledged", {rest.messages, rest.bytes, 0}});
    return parts;
}

}  // namespace

void State::plan_behind(const Peer& peer, Removal& plan) const {
    for (const auto& [agent, remote] : remotes)
        if (remote->via == peer.outbound.get() && agent != peer.id)
            plan.behind.push_back({name_of(agent), ways_but(agent, &peer), owed_to(*remote)});
}

Removal Exchange::plan_removal(const std::string& agent, Time now) const {
    state_->now = std::max(state_->now, now);
    State& s = *state_;
    Removal plan{.name = agent};
    Remote* remote = nullptr;
    if (const State::Peer* const peer = s.find_peer(agent)) {
        plan.verdict = Removal::Verdict::possible;
        plan.name = peer->settings.name;
        plan.agent = peer->id;
        plan.is_peer = true;
        plan.configured = peer->configured;
        plan.other_ways = s.ways_but(peer->id, peer);
        s.plan_behind(*peer, plan);
        remote = peer->remote;
    } else {
        for (const auto& [id, known] : s.remotes) {
            if (known->name != agent && to_text(id) != agent) continue;
            plan.verdict =
                remote == nullptr ? Removal::Verdict::possible : Removal::Verdict::ambiguous;
            plan.name = s.name_of(id);
            plan.agent = id;
            remote = known.get();
        }
        if (plan.verdict == Removal::Verdict::possible)
            plan.other_ways = s.ways_but(plan.agent, nullptr);
        if (!plan.other_ways.empty()) plan.verdict = Removal::Verdict::reachable;
    }
    if (remote == nullptr) return plan;
    plan.owed = s.owed_to(*remote);
    plan.parts = parts_of(*remote, plan.owed);
    return plan;
}

// ---- Doing it ------------------------------------------------------------------------------

void Exchange::remove_agent(const Removal& plan, bool dead_letter, Time now) {
    State& s = at(now);
    BUS_ASSERT(plan.verdict == Removal::Verdict::possible);
    BUS_ASSERT(dead_letter || !plan.needs_dead_letters());
    State::Peer* const peer = plan.is_peer ? s.find_peer(plan.name) : nullptr;
    Remote* const remote = s.find_remote(plan.agent);
    if (peer != nullptr) {
        BUS_ASSERT(!peer->configured);
        s.forget_peer(*peer);
    }
    const std::string reason = (plan.is_peer ? "peer " : "agent ") + plan.name + " was removed";
    if (remote != nullptr && !plan.stays_known()) s.forget_remote(*remote, plan.name, reason);
    if (!plan.agent.is_zero()) s.keeper.change(DropPeer{plan.agent}, true);
    if (plan.stays_known())  // its row said that of it as well
        for (const auto& [key, item] : remote->interest.items())
            s.keeper.change(PutInterest{plan.agent, item.kind, item.durable, item.name, item.group,
                                        item.filter},
                            true);
    s.event(Event::Kind::peer_removed, plan.name,
            plan.needs_dead_letters() ? "removed; what was owed to it goes to the dead letters"
                                      : "removed",
            plan.needs_dead_letters() ? plan.owed.messages : 0);
}

// Its link, and what was on its way by it for others.
void State::forget_peer(Peer& peer) {
    if (peer.active != nullptr) end_session(*peer.active, "it was removed", true);
    peer.removed = true;
    peer.arrived_told = 0;  // it hears of it if it is added again
    peer.outbound->forget_passed_on();
    peer.outbound->give_back_all();
    for (const auto& [agent, remote] : remotes) {
        if (remote->via != nullptr) continue;
        reclaim_large_messages(*remote);
        for (auto& owed : remote->return_to_queues()) give_up(std::move(owed), {}, {});
    }
    peer.remote = nullptr;
    peer.outbound->forget_neighbour();
}

void State::forget_remote(Remote& remote, const std::string& name, const std::string& reason) {
    reclaim_large_messages(remote);
    end_attachments_of(remote.agent());
    std::vector<Remote::Owed> owed;
    for (const auto& peer : peers)
        for (auto& one : peer->outbound->withdraw(remote)) owed.push_back(std::move(one));
    const std::uint64_t on_disk = remote.take_all(owed);
    for (auto& one : owed) give_up(std::move(one), name, reason);
    keeper.ledger.leave(remote.id(), on_disk, Settlement::dead_lettered);
    if (on_disk > 0) keeper.forget_arrivals(remote.id());
    keeper.bury_destination(remote.id(), name, reason);

    let_go_on(remote.id());
    if (remote.via != nullptr) remote.via->detach(remote);
    for (const auto& [id, group] : groups) std::erase(group->takers, &remote);
    forget_declarer(remote);
    const AgentId agent = remote.agent();
    paths_deferred.erase(agent);
    remote.interest.leave();
    remotes_by_destination.erase(remote.id());
    remotes.erase(agent);
    routes.forget_all();
    for (const auto& peer : peers)
        if (peer->active != nullptr) tell_path(*peer, agent);
}

// All of which it has the beginning: another gets the whole.
void State::reclaim_large_messages(Remote& remote) {
    for (const auto& [id, group] : groups) reclaim_large_messages(remote, *group);
}

void State::reclaim_large_messages(Remote& remote, Group& group) {
    for (LargeMessage* message : group.undecided_with(&remote)) {
        for (const auto& peer : peers) peer->outbound->abandon(group, *message);
        remote.abandon(group, *message);
        group.reclaim(*message);
        touch(group);
    }
}

// An agent that is forgotten does not get it: its queue has it again, or it is a dead letter.
void State::give_up(Remote::Owed owed, const std::string& name, const std::string& reason) {
    if (owed.queue != nullptr) {
        owed.queue->return_from_peer(std::move(owed.entry));
        return touch(*owed.queue);
    }
    if (owed.entry.batch() && is_abort(owed.entry.batch().header()))
        return keeper.settle(owed.entry, Settlement::settled);
    keeper.bury(owed.entry, 0, owed.entry.messages(), reason, name);
    keeper.settle(owed.entry, Settlement::dead_lettered);
}

// ---- Added again -------------------------------------------------------------------------

// Under another key, which found no peer: the agent knows the numbers that it was sent before, and
// may send again what was taken from it.
void State::adopt_numbers(Peer& peer) {
    Peer* const former = peer_by_id(peer.id);
    if (former == nullptr) return;
    if (former->active != nullptr) end_session(*former->active, "it has another key now", false);
    former->outbound->give_back_all();
    peer.outbound->follow(*former->outbound);
    peer.tickets = former->tickets;
    peer.intake = former->intake;
    peer.arrived = std::move(former->arrived);
    peer.incarnation = former->incarnation;
    peer.nonce = former->nonce;
    former->removed = true;
    former->id = {};
    former->remote = nullptr;
}

}  // namespace bus::core
