// Taking a batch: its destinations are found once, it goes into custody, and
// every destination is offered it.

#include <algorithm>
#include <iterator>

#include "base/mutation.h"
#include "core/state.h"

namespace bus::core {

const Route& Exchange::State::route(wire::Kind kind, std::string_view channel) {
    if (const Route* const known = routes.find(kind, channel)) return *known;
    Route& route = routes.renew(kind, channel);
    decide(route);
    return route;
}

void Exchange::State::decide(Route& route) {
    const auto& [kind, channel] = route.channel;
    route.retains = kind == wire::Kind::topic && keeper.policies.of(kind, channel).retain_last;
    if (kind == wire::Kind::queue) {
        const QueueHome home = home_of(channel);
        route.no_home = home.why;
        if (home.remote != nullptr && may_reach(*home.remote, kind, channel)) {
            route.remotes = {home.remote};
            keep_name(*home.remote);
            return;
        }
        if (home.remote != nullptr) {
            for (const Denial& denial : denials_of(*home.remote, kind, channel))
                route.no_home = denial.refusal();
        }
        route.own = route.groups = {&queue(channel)};
        return;
    }
    find_subscribed(kind, channel, route.groups);
    std::erase_if(route.groups, [&](const Group* group) {
        return group->is_shared() && !may_feed(*group, kind, channel);
    });
    std::copy_if(route.groups.begin(), route.groups.end(), std::back_inserter(route.own),
                 [](const Group* group) { return !group->is_shared(); });
    find_wanting(kind, channel, route.remotes);
    std::erase_if(route.remotes, [&](const Remote* remote) {
        if (may_reach(*remote, kind, channel)) return false;
        for (auto& denial : denials_of(*remote, kind, channel))
            route.denied.push_back(std::move(denial));
        return true;
    });
}

void Exchange::State::find_subscribed(wire::Kind kind, std::string_view channel,
                                      std::vector<Group*>& found) const {
    groups_by_filter.match(kind, channel, [&](Group& group) { found.push_back(&group); });
    std::sort(found.begin(), found.end(),
              [](const Group* a, const Group* b) { return a->id() < b->id(); });
}

// Of an agent several filters may match.
void Exchange::State::find_wanting(wire::Kind kind, std::string_view channel,
                                   std::vector<Remote*>& found) const {
    remotes_by_interest.match(kind, channel, [&](Remote& remote) { found.push_back(&remote); });
    std::sort(found.begin(), found.end(),
              [](const Remote* a, const Remote* b) { return a->agent() < b->agent(); });
    found.erase(std::unique(found.begin(), found.end()), found.end());
}

void Exchange::State::take(const Arrival& arrival, Batch batch) {
    const auto& header = batch.header();
    note(Event::Kind::batch_taken, arrival, batch);
    if (header.kind == wire::Kind::service) return take_service(arrival, std::move(batch));
    if (header.kind == wire::Kind::queue && wire::is_homed_address(header.group))
        return take_delivery(arrival, batch);
    static const Route nowhere;
    const bool is_own = arrival.for_this_host && header.group.empty();
    const Route& here = is_own ? route(header.kind, header.channel) : nowhere;
    // What a peer sent says whom it is for: only the agent that takes it from its producer decides.
    const auto& to_remotes = arrival.from_peer ? arrival.pass_on : here.remotes;
    if (!arrival.from_peer)
        for (const Denial& denial : here.denied) deny(denial);
    std::vector<Group*> of_copy;  // a group's, or a late joiner's
    if (arrival.for_this_host && !is_own) of_copy = groups_of_copy(header);
    // Of a queue that another agent keeps: its sender did not know, and it goes there from here.
    if (is_own && arrival.from_peer && header.kind == wire::Kind::queue && here.own.empty())
        of_copy = {&queue(std::string{header.channel})};
    const auto* to_groups = !of_copy.empty() ? &of_copy
                            : arrival.from_peer && !mutated(Mutation::group_fed_twice)
                                ? &here.own
                                : &here.groups;
    if (!header.guaranteed()) return take_best_effort(arrival, batch, *to_groups, to_remotes);

    std::uint8_t entry_flags = flags_on_the_way(arrival);
    if (arrival.for_this_host && drop_if_taken(arrival, batch, entry_flags)) {
        if (to_remotes.empty()) return;
        to_groups = &nowhere.groups;
    }
    const bool retains = here.retains && !arrival.from_peer;
    if (to_groups->empty() && to_remotes.empty()) {
        if (arrival.from_peer) {
            if (header.wants_consumed() && arrival.intake != nullptr)
                keeper.arrived.push_back({.source = arrival.intake, .number = arrival.number});
            keeper.ledger.take(DestinationId{}, batch.messages());
            keeper.ledger.leave(DestinationId{}, batch.messages(), Settlement::filtered);
            note(Event::Kind::batch_filtered, arrival, batch);
        } else {
            keeper.ledger.unrouted(batch.messages());
            note(Event::Kind::batch_unrouted, arrival, batch);
        }
        if (retains) return retain_alone(arrival, batch);
        if (arrival.intake) keeper.attach_safe(arrival.intake, arrival.number, 0);
        return;
    }
    owe(arrival, batch, *to_groups, to_remotes, entry_flags, retains);
}

// Whom a copy is for that says so; a late joiner's that is not wanted any more is for nobody.
std::vector<Group*> Exchange::State::groups_of_copy(const wire::BatchHeader& header) {
    if (wire::is_late_joiner(header.group)) return late_joiners_of(header);
    return {find_group(Destination::Type::shared, std::string{header.group})};
}

// What is passed on keeps its flags: only its final destination can clear them.
std::uint8_t Exchange::State::flags_on_the_way(const Arrival& arrival) {
    std::uint8_t flags = 0;
    if (arrival.pass_on.empty()) return flags;
    if ((arrival.flags & wire::envelope_flag::resent) != 0) flags |= entry_flag::resent;
    if ((arrival.flags & wire::envelope_flag::rerouted) != 0) flags |= entry_flag::rerouted;
    return flags;
}

// Only what comes flagged may be a duplicate; only what is surely taken is dropped (G2).
bool Exchange::State::drop_if_taken(const Arrival& arrival, const Batch& batch,
                                    std::uint8_t& entry_flags) {
    const auto& header = batch.header();
    if (is_abort(header)) {
        if (arrival.from_peer) keeper.seen.forget(header);
        return false;
    }
    const bool resent = (arrival.flags & wire::envelope_flag::resent) != 0;
    // Of what a relay had, another copy may come later.
    const bool rerouted =
        (arrival.flags & wire::envelope_flag::rerouted) != 0 || (resent && arrival.relayed);
    const bool flagged = rerouted || resent;
    if (flagged || (arrival.from_peer && keeper.seen.expects_copies(header))) {
        switch (keeper.seen.look(header, rerouted || !flagged)) {
            case Seen::Answer::taken: {
                const auto first_copy = keeper.find_unsafe(header);
                // Its number waits for one custody: here for what is passed on.
                if (first_copy && !arrival.pass_on.empty()) {
                    entry_flags |= entry_flag::resent | entry_flag::redelivered;
                    break;
                }
                ++duplicates_dropped;
                note(Event::Kind::batch_duplicate_dropped, arrival, batch);
                if (header.wants_consumed()) tell_unknown(arrival);
                if (!arrival.pass_on.empty()) return true;
                if (first_copy && !mutated(Mutation::duplicate_acked_early))
                    keeper.attach(first_copy, arrival.intake, arrival.number, 1);
                else
                    keeper.attach_safe(arrival.intake, arrival.number, 1);
                return true;
            }
            case Seen::Answer::fresh:
                break;
            case Seen::Answer::unknown:
                if (flagged) entry_flags |= entry_flag::resent | entry_flag::redelivered;
                break;
        }
    }
    if (!arrival.from_peer) return false;
    // Its origin may have had it back from a relay, so it need not have come by one to be late.
    const Seen::Way way{.flagged = flagged, .rerouted = rerouted, .relayed = arrival.relayed};
    if (keeper.seen.take(header, way) == Seen::Turn::late) entry_flags |= entry_flag::redelivered;
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
                          const std::vector<Group*>& to_groups,
                          const std::vector<Remote*>& to_remotes, std::uint8_t entry_flags,
                          bool retains) {
    const auto& header = batch.header();
    const bool consumed_wanted = arrival.intake != nullptr && header.wants_consumed();
    const bool arrived_wanted = arrival.intake != nullptr &&
                                (header.flags & wire::batch_flag::want_arrived) != 0 &&
                                (!arrival.from_peer || !to_remotes.empty() || consumed_wanted);
    std::vector<Keeper::Where> where;
    where.reserve(to_groups.size() + to_remotes.size());
    for (const Group* group : to_groups) {
        auto flags = entry_flags;
        if (group->is_queue() && arrival.from_peer) flags |= entry_flag::pinned;
        const bool hands_out = group->is_queue() && arrived_wanted && !arrival.from_peer;
        if (hands_out || consumed_wanted) flags |= entry_flag::arrival;
        where.push_back({{group->id(), header.lane}, flags});
    }
    for (const Remote* remote : to_remotes) {
        auto flags = static_cast<std::uint8_t>(entry_flags & ~unsigned{entry_flag::redelivered});
        if (arrived_wanted) flags |= entry_flag::arrival;
        where.push_back({{remote->id(), header.lane}, flags});
    }

    const bool soon = !settles_with_commits(header) && settles_soon(to_groups, to_remotes);
    if ((!soon || retains) && !arrival.from_peer) producers.at(header.producer).bulk_at = now;
    const Time due = soon ? due_of(to_groups, to_remotes) : now;
    const auto custody = keeper.take(batch, where, expiry(arrival, header), arrival.came_from,
                                     arrival.hops, !to_groups.empty());
    custody->owner = arrival.owner;
    if (arrived_wanted) want_arrived(arrival, *custody);
    if (retains) keeper.retain(custody);
    if (arrival.intake)
        keeper.attach(custody, arrival.intake, arrival.number,
                      static_cast<std::uint16_t>(where.size()));
    keeper.want(custody, due);

    std::uint16_t slot = 0;
    for (Group* group : to_groups) {
        group->offer(Entry{custody, slot++});
        touch(*group);
        // What a peer sent for a group is held back there, where others may have it.
        if (group->has_share() && !(group->is_shared() && arrival.from_peer))
            watch_share(*group);
        else
            hold_if_full(arrival, batch, group->id(), group->queued_bytes());
    }
    for (Remote* remote : to_remotes) {
        remote->offer(Entry{custody, slot++});
        wake(*remote);
        hold_if_full(arrival, batch, remote->id(), remote->queued_bytes());
    }
}

// Whose copy was taken under another number waits for that one.
void Exchange::State::tell_unknown(const Arrival& arrival) {
    if (arrival.intake != nullptr)
        keeper.arrived.push_back(
            {.source = arrival.intake, .number = arrival.number, .fate = wire::Fate::unknown});
}

void Exchange::State::want_arrived(const Arrival& arrival, const Custody& custody) {
    std::uint32_t entries = 0;
    for (const auto& owed : custody.owed)
        entries += (owed.flags & entry_flag::arrival) != 0 ? 1 : 0;
    keeper.want_arrival(custody, arrival.intake, arrival.number, entries);
}

void Exchange::State::take_best_effort(const Arrival& arrival, const Batch& batch,
                                       const std::vector<Group*>& to_groups,
                                       const std::vector<Remote*>& to_remotes) {
    bool reached = false;
    if (!to_groups.empty()) {
        std::vector<Keeper::Where> where;
        for (const Group* group : to_groups)
            where.push_back({{group->id(), batch.header().lane}, 0});
        const auto custody = keeper.take_loose(batch, where, expiry(arrival, batch.header()));
        for (std::uint16_t slot = 0; slot < to_groups.size(); ++slot) {
            Group& group = *to_groups[slot];
            const bool is_given = group.offer_now(custody, slot, effects);
            if (is_given && group.is_kept_here()) touch(group);  // it may be for another host
            if (is_given || pass_to_taker(arrival, batch, group))
                reached = true;
            else
                note_not_kept(group, batch.header());
        }
    }
    reached = pass_on_now(arrival, batch, to_remotes) || reached;
    if (reached) return;
    ++best_effort_dropped;
    note(Event::Kind::best_effort_dropped, arrival, batch);
}

// A step of what has just come, and from whom.
void Exchange::State::note(Event::Kind what, const Arrival& arrival, const Batch& batch) {
    keeper.steps.note([&] {
        const auto* const agent = std::get_if<AgentId>(&arrival.source);
        const auto* const id = std::get_if<ProducerId>(&arrival.source);
        const auto from = id == nullptr ? producers.end() : producers.find(*id);
        return Event{.kind = what,
                     .at = now,
                     .subject = agent == nullptr ? std::string{} : name_of(*agent),
                     .words = {},
                     .messages = batch.messages(),
                     .batch = batch,
                     .session = from == producers.end()
                                    ? SessionId{}
                                    : from->second.session.value_or(SessionId{})};
    });
}

// One frame for each link, whoever is behind it.
bool Exchange::State::pass_on_now(const Arrival& arrival, const Batch& batch,
                                  const std::vector<Remote*>& to_remotes) {
    std::vector<std::pair<Outbound*, std::vector<AgentId>>> finals;
    for (const Remote* remote : to_remotes) {
        if (remote->via == nullptr || !remote->up) continue;
        auto at = std::find_if(finals.begin(), finals.end(), [&](const auto& link) {
            return link.first == remote->via && link.second.size() < wire::finals_max;
        });
        if (at == finals.end()) at = finals.insert(at, {remote->via, {}});
        at->second.push_back(remote->agent());
    }
    bool reached = false;
    for (auto& [outbound, agents] : finals) {
        Link* const link = peers_by_outbound.at(outbound)->active;
        if (link == nullptr) continue;
        const Outbound::Parcel parcel{
            .envelope = {.lifetime_millis = arrival.lifetime_millis, .messages = batch.messages()},
            .batch = batch,
            .finals = std::move(agents),
            .source = arrival.came_from,
            .hops = arrival.hops};
        const auto send = [&](const Outbound::Parcel& sent) { return send_parcel(*link, sent); };
        reached = outbound->offer_now(parcel, send) || reached;
    }
    return reached;
}

// When it has to be in the journal, if it has not settled by then.
Time Exchange::State::due_of(const std::vector<Group*>& to_groups,
                             const std::vector<Remote*>& to_remotes) const {
    Duration grace{};
    for (const Group* group : to_groups) {
        const Remote* const remote = peer_working_on(*group);
        const auto wait =
            (remote != nullptr ? remote->via->settle_time() : group->settle_time()).grace();
        if (!wait) return now;
        grace = std::max(grace, *wait);
    }
    for (const Remote* remote : to_remotes) {
        const auto wait =
            remote->via == nullptr ? std::nullopt : remote->via->settle_time().grace();
        if (!wait) return now;
        grace = std::max(grace, *wait);
    }
    return now + grace;
}

// Nothing is in its way anywhere: a link or a consumer is there, and no backlog.
bool Exchange::State::settles_soon(const std::vector<Group*>& to_groups,
                                   const std::vector<Remote*>& to_remotes) const {
    if (keeper.meter.bytes() > limits::memory_pressure) return false;
    for (const Group* group : to_groups) {
        const Remote* const remote = peer_working_on(*group);
        if (remote != nullptr ? !remote->settles_soon() : !group->settles_soon()) return false;
    }
    return std::all_of(to_remotes.begin(), to_remotes.end(),
                       [](const Remote* remote) { return remote->settles_soon(); });
}

// A queue without quick consumers here may be worked on by a peer. nullptr: by none.
const Remote* Exchange::State::peer_working_on(const Group& group) const {
    if (!group.is_queue() || group.settles_soon()) return nullptr;
    for (const Remote* taker : group.takers)
        if (taker->via->is_open()) return taker;
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
    if (bytes < bytes_max(to)) return;
    const wire::ChannelKey channel{batch.header().kind, std::string{batch.header().address()}};
    if (holds.hold(arrival.source, channel, to))
        tell_hold(arrival.source, channel, bound_words(to));
}

// Lets go on what has room again.
void Exchange::State::watch_room() {
    if (!holds.all().empty()) {
        std::set<DestinationId> roomy;
        for (const auto& [told, causes] : holds.all())
            for (const Cause cause : causes)
                if (cause.of == Cause::Of::destination &&
                    queued_bytes(cause.destination()) < room_again(bytes_max(cause.destination())))
                    roomy.insert(cause.destination());
        for (const DestinationId destination : roomy) let_go_on(destination);
    }
    watch_journal();
}

void Exchange::State::let_go_on(Cause cause) {
    for (const auto& told : holds.release(cause)) tell_resume(told.source, told.channel);
}

std::uint64_t Exchange::State::queued_bytes(DestinationId id) const {
    if (const auto group = groups.find(id); group != groups.end())
        return group->second->queued_bytes();
    if (id == delays.id()) return delays.size().bytes;
    const auto remote = remotes_by_destination.find(id);
    return remote == remotes_by_destination.end() ? 0 : remote->second->queued_bytes();
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
    if (!full) {
        event(Event::Kind::journal_resumed, "journal", "there is room again, publishers go on");
        let_go_on(full_journal);
        return;
    }
    event(Event::Kind::journal_full, "journal",
          "no room for new messages: publishers are held back until some of it drains");
    for (const auto& [id, producer] : producers)
        if (producer.session && holds.hold(id, every_channel, full_journal))
            tell_hold(id, every_channel, "the journal is full");
}

}  // namespace bus::core
