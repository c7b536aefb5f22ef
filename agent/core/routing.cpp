// Taking a batch: its destinations are found once, it goes into custody, and
// every destination is offered it.

#include <algorithm>

#include "base/mutation.h"
#include "core/state.h"

namespace bus::core {

const Exchange::State::Route& Exchange::State::route(wire::Kind kind, std::string_view channel) {
    const auto hash = wire::channel_hash(kind, channel);
    const auto found = routes.find(hash);
    if (found != routes.end() && found->second.channel.name == channel) return found->second;
    if (routes.size() >= limits::routes_max) routes.clear();

    Route route{.channel = {kind, std::string{channel}}};
    if (kind == wire::Kind::queue) {
        route.groups.push_back(&queue(route.channel.name));
    } else {
        for (const auto& [id, group] : groups)
            if (!group->is_queue() && wire::matches(group->destination().filter, channel))
                route.groups.push_back(group.get());
        for (const auto& peer : peers)
            if (peer->outbound && peer->configured && peer->interest.wants(kind, channel))
                route.peers.push_back(peer.get());
    }
    return routes.insert_or_assign(hash, std::move(route)).first->second;
}

void Exchange::State::forget_routes() { routes.clear(); }

void Exchange::State::take(const Arrival& arrival, Batch batch) {
    const auto& header = batch.header();
    const Route& to = route(header.kind, header.channel);
    if (!header.guaranteed()) return take_best_effort(arrival, batch, to);

    std::uint8_t entry_flags = 0;
    if (drop_if_taken(arrival, batch, entry_flags)) return;
    // What a peer sent is for this host: it is never passed on (relaying comes with routes).
    static const std::vector<Peer*> nobody;
    const auto& to_peers = arrival.from_peer ? nobody : to.peers;
    if (to.groups.empty() && to_peers.empty()) {
        if (arrival.from_peer) {
            keeper.ledger.take(DestinationId{}, batch.messages());
            keeper.ledger.leave(DestinationId{}, batch.messages(), Settlement::filtered);
        } else {
            keeper.ledger.unrouted(batch.messages());
        }
        if (arrival.intake) keeper.attach_safe(arrival.intake, arrival.number, 0);
        return;
    }
    owe(arrival, batch, to.groups, to_peers, entry_flags);
}

// Only what comes flagged may be a duplicate; only what is surely taken is dropped (G2).
bool Exchange::State::drop_if_taken(const Arrival& arrival, const Batch& batch,
                                    std::uint8_t& entry_flags) {
    const auto& header = batch.header();
    if (is_abort(header)) {
        if (arrival.from_peer) seen.forget(header);
        return false;
    }
    const bool rerouted = (arrival.flags & wire::envelope_flag::rerouted) != 0;
    const bool flagged = rerouted || (arrival.flags & wire::envelope_flag::resent) != 0;
    if (flagged) {
        switch (seen.look(header, rerouted)) {
            case Seen::Answer::taken: {
                ++duplicates_dropped;
                const auto first_copy = keeper.find_unsafe(header.producer, header.sequence);
                if (first_copy && !mutated(Mutation::duplicate_acked_early))
                    keeper.attach(first_copy, arrival.intake, arrival.number, 1);
                else
                    keeper.attach_safe(arrival.intake, arrival.number, 1);
                return true;
            }
            case Seen::Answer::fresh:
                break;
            case Seen::Answer::unknown:
                entry_flags |= entry_flag::resent | entry_flag::redelivered;
                break;
        }
    }
    if (arrival.from_peer) seen.take(header, flagged);
    return false;
}

namespace {

// The parts of a message settle with its last. Larger than a window, it cannot come before those
// before it are safe.
bool settles_with_commits(const wire::BatchHeader& header) {
    return header.part && header.part->total_bytes >= limits::producer_window_quick / 2;
}

}  // namespace

void Exchange::State::owe(const Arrival& arrival, const Batch& batch,
                          const std::vector<Group*>& to_groups, const std::vector<Peer*>& to_peers,
                          std::uint8_t entry_flags) {
    const auto& header = batch.header();
    const bool arrived_wanted =
        !arrival.from_peer && (header.flags & wire::batch_flag::want_arrived) != 0;
    std::vector<Keeper::Where> where;
    where.reserve(to_groups.size() + to_peers.size());
    for (const Group* group : to_groups) {
        auto flags = entry_flags;
        if (group->is_queue() && arrival.from_peer) flags |= entry_flag::pinned;
        if (group->is_queue() && arrived_wanted) flags |= entry_flag::arrival;
        where.push_back({{group->id(), header.lane}, flags});
    }
    for (const Peer* peer : to_peers) {
        auto flags = static_cast<std::uint8_t>(entry_flags & ~unsigned{entry_flag::redelivered});
        if (arrived_wanted) flags |= entry_flag::arrival;
        where.push_back({{peer->outbound->destination().id, header.lane}, flags});
    }

    const bool soon = !settles_with_commits(header) && settles_soon(to_groups, to_peers);
    if (!soon && !arrival.from_peer) producers.at(header.producer).bulk_at = now;
    const Time due = soon ? due_of(to_groups, to_peers) : now;
    const auto custody = keeper.take(batch, where, expiry(arrival, header), arrival.came_from);
    if (arrived_wanted) want_arrived(arrival, batch, *custody);
    if (arrival.intake)
        keeper.attach(custody, arrival.intake, arrival.number,
                      static_cast<std::uint16_t>(where.size()));
    keeper.want(custody, due);

    std::uint16_t slot = 0;
    for (Group* group : to_groups) {
        group->offer(Entry{custody, slot++});
        touch(*group);
        hold_if_full(arrival, batch, group->id(), group->queued_bytes());
    }
    for (Peer* peer : to_peers) {
        peer->outbound->offer(Entry{custody, slot++});
        peer->outbound->dirty = true;
        hold_if_full(arrival, batch, peer->outbound->destination().id,
                     peer->outbound->queued_bytes());
    }
}

void Exchange::State::want_arrived(const Arrival& arrival, const Batch& batch, Custody& custody) {
    std::uint32_t entries = 0;
    for (const auto& owed : custody.owed)
        entries += (owed.flags & entry_flag::arrival) != 0 ? 1 : 0;
    keeper.want_arrival(custody, batch.header().producer, arrival.number, entries);
}

void Exchange::State::take_best_effort(const Arrival& arrival, const Batch& batch,
                                       const Route& to) {
    bool reached = false;
    if (!to.groups.empty()) {
        std::vector<Keeper::Where> where;
        for (const Group* group : to.groups)
            where.push_back({{group->id(), batch.header().lane}, 0});
        const auto custody = keeper.take_loose(batch, where, expiry(arrival, batch.header()));
        for (std::uint16_t slot = 0; slot < to.groups.size(); ++slot)
            reached = to.groups[slot]->offer_now(custody, slot, effects) || reached;
    }
    if (!arrival.from_peer) {
        for (Peer* peer : to.peers) {
            if (peer->active == nullptr) continue;
            const auto send_frame = [&](wire::Envelope envelope, const Batch& sent) {
                return send_batch(*peer->active, envelope, sent);
            };
            reached =
                peer->outbound->offer_now(batch, arrival.lifetime_millis, send_frame) || reached;
        }
    }
    if (!reached) ++best_effort_dropped;
}

// When it has to be in the journal, if it has not settled by then.
Time Exchange::State::due_of(const std::vector<Group*>& to_groups,
                             const std::vector<Peer*>& to_peers) const {
    Duration grace{};
    for (const Group* group : to_groups) {
        const Outbound* const remote = peer_working_on(*group);
        const auto wait =
            (remote != nullptr ? remote->settle_time() : group->settle_time()).grace();
        if (!wait) return now;
        grace = std::max(grace, *wait);
    }
    for (const Peer* peer : to_peers) {
        const auto wait = peer->outbound->settle_time().grace();
        if (!wait) return now;
        grace = std::max(grace, *wait);
    }
    return now + grace;
}

// Nothing is in its way anywhere: a link or a consumer is there, and no backlog.
bool Exchange::State::settles_soon(const std::vector<Group*>& to_groups,
                                   const std::vector<Peer*>& to_peers) const {
    if (keeper.meter.bytes() > limits::memory_pressure) return false;
    for (const Group* group : to_groups) {
        const Outbound* const remote = peer_working_on(*group);
        if (remote != nullptr ? !remote->settles_soon() : !group->settles_soon()) return false;
    }
    return std::all_of(to_peers.begin(), to_peers.end(),
                       [](const Peer* peer) { return peer->outbound->settles_soon(); });
}

// A queue without quick consumers here may be worked on by a peer. nullptr: by none.
const Outbound* Exchange::State::peer_working_on(const Group& group) const {
    if (!group.is_queue() || group.settles_soon()) return nullptr;
    for (const auto& peer : peers)
        if (peer->active != nullptr &&
            std::find(peer->queues.begin(), peer->queues.end(), &group) != peer->queues.end())
            return peer->outbound.get();
    return nullptr;
}

Time Exchange::State::expiry(const Arrival& arrival, const wire::BatchHeader& header) const {
    const auto millis = arrival.lifetime_millis > 0 ? arrival.lifetime_millis : header.ttl_millis;
    constexpr std::uint64_t longest = 100ull * 365 * 24 * 3600 * 1000;
    if (millis == 0 || millis > longest) return never;
    return now + std::chrono::milliseconds{millis};
}

// ---- Quotas ---------------------------------------------------------------------------------

std::uint64_t Exchange::State::quota() const {
    return settings.journal_bytes_max / 100 * limits::stream_share_percent;
}

void Exchange::State::hold_if_full(const Arrival& arrival, const Batch& batch, DestinationId to,
                                   std::uint64_t bytes) {
    if (bytes < quota()) return;
    const wire::ChannelKey channel{batch.header().kind, std::string{batch.header().channel}};
    if (holds.hold(arrival.source, channel, to))
        tell_hold(arrival.source, channel, "its backlog has reached its share of the journal");
}

// Lets go on what has room again: whole windows of it, or it would be held again at once.
void Exchange::State::watch_room() {
    if (!holds.all().empty()) {
        const auto low = quota() - std::min(quota() / 2, 2 * limits::producer_window);
        std::set<DestinationId> roomy;
        for (const auto& [told, causes] : holds.all())
            for (const DestinationId cause : causes)
                if (cause != DestinationId{} && queued_bytes(cause) < low) roomy.insert(cause);
        for (const DestinationId cause : roomy)
            for (const auto& told : holds.release(cause)) tell_resume(told.source, told.channel);
    }
    watch_journal();
}

std::uint64_t Exchange::State::queued_bytes(DestinationId id) const {
    if (const auto group = groups.find(id); group != groups.end())
        return group->second->queued_bytes();
    if (const auto peer = peers_by_destination.find(id); peer != peers_by_destination.end())
        return peer->second->outbound->queued_bytes();
    return 0;
}

// The journal has no room: this host's publishers hold everything until there is some again. Peers
// do not: what they send may settle in memory and so make room at both ends, and their windows
// bound what cannot. Two full journals that held each other would do so for ever.
void Exchange::State::watch_journal() {
    const auto live = keeper.space().live_bytes;
    const auto high = settings.journal_bytes_max / 100 * 95;
    const auto low = settings.journal_bytes_max / 100 * 90;
    const bool full = keeper.full() || live > (everything_held ? low : high);
    if (full == everything_held) return;
    everything_held = full;
    const wire::ChannelKey everything{wire::Kind::topic, "**"};
    if (!full) {
        event(Event::Kind::journal_resumed, "journal", "there is room again, publishers go on");
        for (const auto& told : holds.release(DestinationId{}))
            tell_resume(told.source, told.channel);
        return;
    }
    event(Event::Kind::journal_full, "journal",
          "no room for new messages: publishers are held back until some of it drains");
    for (const auto& [id, producer] : producers)
        if (producer.session && holds.hold(id, everything, DestinationId{}))
            tell_hold(id, everything, "the journal is full");
}

}  // namespace bus::core
