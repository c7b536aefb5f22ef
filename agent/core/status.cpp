// The snapshot that `bus status` and the metrics show.

#include "core/status.h"

#include "core/exchange.h"
#include "core/state.h"
#include "core/words.h"

namespace bus::core {
namespace {

std::uint64_t millis(Duration time) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

std::uint64_t millis_since(Time then, Time now) {
    return then == never || then > now ? 0 : millis(now - then);
}

}  // namespace

LinkStatus Exchange::State::link_status(const Peer& peer) const {
    const bool up = peer.active != nullptr;
    const Time since = up ? peer.up_since : peer.down_since;
    LinkStatus status{
        .peer = peer.settings.name,
        .state = peer.state_word(),
        .for_millis = since == Time{} ? std::nullopt : std::optional{millis_since(since, now)},
        .dialled = up && peer.active->dialled,
        .relays = peer.relays,
        .cost = peer.settings.cost,
        .agent = peer.id,
        .limit_bytes = peer.settings.waiting.bytes,
        .limit_age_millis = millis(peer.settings.waiting.age),
        .rtt_micros = peer.rtt_micros,
        .sent_messages = peer.sent.messages(),
        .received_messages = peer.received.messages(),
        .sent_bytes = peer.sent.bytes(),
        .received_bytes = peer.received.bytes(),
        .sending = peer.sent.speed(now),
        .receiving = peer.received.speed(now),
        .has_address = peer.settings.has_address,
        .last_error = peer.last_error,
        .last_error_millis = peer.last_error.empty()
                                 ? std::nullopt
                                 : std::optional{millis_since(peer.last_error_at, now)},
        .interest = peer.remote != nullptr ? peer.remote->interest.size() : 0};
    if (peer.remote == nullptr) return status;
    const auto backlog = peer.outbound->backlog();
    status.backlog_entries = backlog.entries;
    status.backlog_messages = backlog.messages;
    status.backlog_bytes = backlog.bytes;
    status.backlog_age_millis = millis_since(peer.outbound->oldest(), now);
    if (up && backlog.bytes > 0 && status.sending.bytes > 0)
        status.drained_in_millis = backlog.bytes * 1000 / status.sending.bytes;
    status.in_flight_bytes = peer.outbound->in_flight_bytes();
    status.window_bytes = peer.outbound->window();
    status.held = peer.outbound->held().names();
    status.account = keeper.ledger.account(peer.remote->id());
    return status;
}

AgentStatus Exchange::State::agent_status(const Remote& remote) const {
    const auto waiting = remote.waiting();
    AgentStatus status{.agent = remote.agent(),
                       .name = remote.name,
                       .up = remote.up,
                       .interest = remote.interest.size(),
                       .waiting_messages = waiting.messages,
                       .waiting_bytes = waiting.bytes,
                       .oldest_millis = millis_since(remote.oldest(), now),
                       .account = keeper.ledger.account(remote.id())};
    if (!remote.up && remote.down_since != Time{})
        status.down_millis = millis_since(remote.down_since, now);
    const Paths::Path* const path = paths.best(remote.agent());
    if (path == nullptr) {
        status.waits_at = settings.name;
        return status;
    }
    if (!remote.up)
        status.waits_at =
            paths.is_up(path->neighbour()) ? name_of(path->neighbour()) : settings.name;
    status.cost = path->cost % limits::down_link_cost;
    for (const AgentId& agent : path->agents) status.path.push_back(name_of(agent));
    return status;
}

DenialStatus Exchange::State::denial_status(const Denials::Count& count) const {
    const Denial& denial = count.denial;
    return {.who = denial.who,
            .verb = std::string{verb_of(denial.act, denial.kind)},
            .channel = denial.channel,
            .rule = denial.rule,
            .times = count.times,
            .last_millis = millis_since(count.last, now)};
}

std::string Exchange::State::name_of(const AgentId& agent) const {
    const auto found = remotes.find(agent);
    const bool is_named = found != remotes.end() && !found->second->name.empty();
    return is_named ? found->second->name : to_text(agent);
}

GroupStatus Exchange::State::group_status(const Group& group) const {
    const auto& lonely = group.attendance.lonely_since;
    const auto waiting = group.waiting();
    return {.type = word_of(group.destination().type),
            .name = group.title(),
            .filter = group.destination().filter,
            .paused = group.is_paused(),
            .waiting_messages = waiting.messages,
            .waiting_bytes = waiting.bytes,
            .oldest_millis = millis_since(group.oldest(), now),
            .consumers = group.consumers(),
            .unacknowledged = group.unacknowledged(),
            .home = group.is_kept_here() ? settings.name : std::string{},
            .exclusive = group.is_exclusive(),
            .consumers_elsewhere = consumers_elsewhere(group),
            .unattached = 0,
            .unattended_millis = lonely ? std::optional{millis_since(*lonely, now)} : std::nullopt,
            .account = keeper.ledger.account(group.id()),
            .share_bytes = group.quota.bytes,
            .share_age_millis = millis(group.quota.age),
            .gaps = group.gaps};
}

std::uint64_t Exchange::State::consumers_elsewhere(const Group& group) const {
    std::uint64_t count = 0;
    for (const auto& [session, one] : attachments) count += one.group == group.id() ? 1 : 0;
    return count;
}

// Of queues that others keep: this host's consumers.
std::vector<GroupStatus> Exchange::State::status_elsewhere() const {
    std::map<std::string, GroupStatus> queues;
    for (const auto& [id, one] : far_consumers) {
        GroupStatus& queue = queues[one.queue];
        queue.type = word_of(Destination::Type::queue);
        queue.name = one.queue;
        queue.home = name_of(one.home);
        ++queue.consumers;
        queue.unattached += one.attached ? 0 : 1;
    }
    std::vector<GroupStatus> all;
    for (auto& [name, queue] : queues) all.push_back(std::move(queue));
    return all;
}

namespace {

PublisherStatus publisher_status(const PublisherBounds::One& one) {
    const PublisherBound& most = one.settings.waiting;
    return {.of = one.words(),
            .waiting_bytes = one.waits.bytes,
            .waiting_messages = one.waits.messages,
            .limit_bytes = most.bytes,
            .limit_messages = most.messages,
            .limit_age_millis = millis(most.age),
            .limit_rate = most.rate,
            .holding = one.holds(),
            .refuses = one.refuses(),
            .refused = one.refused};
}

}  // namespace

Status Exchange::status(Time now) const {
    state_->now = std::max(state_->now, now);  // ages are reckoned from here
    const State& s = *state_;
    Status status{.name = s.settings.name,
                  .version = s.settings.version,
                  .agent = s.settings.agent,
                  .incarnation = s.incarnation,
                  .uptime_millis = millis_since(s.started, now),
                  .relay = s.settings.relay,
                  .draining = s.draining,
                  .memory_bytes = s.keeper.meter.bytes(),
                  .unsafe_batches = s.keeper.unsafe_count(),
                  .journal = s.keeper.space(),
                  .journal_full = s.everything_held,
                  .denied = s.denied,
                  .malformed = s.malformed,
                  .late_acks = s.late_acks,
                  .duplicates_dropped = s.duplicates_dropped,
                  .best_effort_dropped = s.best_effort_dropped,
                  .replies_dropped = s.replies_dropped,
                  .questions_dropped = s.questions_dropped,
                  .dead_letters = s.keeper.space().dead_letters,
                  .last_values = s.keeper.last_values.size(),
                  .last_value_bytes = s.keeper.last_values.bytes()};
    const auto delayed = s.delays.size();
    status.delayed_messages = delayed.messages;
    status.delayed_bytes = delayed.bytes;
    status.delayed = s.keeper.ledger.account(s.delays.id());
    if (const Entry* const next = s.delays.next())
        status.next_due_millis =
            millis(std::max(Duration{}, s.keeper.from_wall(next->custody->due_wall_micros) - now));
    for (const auto& [id, session] : s.sessions) status.sessions += session.open ? 1 : 0;
    for (const auto& peer : s.peers)
        if (!peer->removed) status.links.push_back(s.link_status(*peer));
    for (const auto& [agent, remote] : s.remotes) status.agents.push_back(s.agent_status(*remote));
    for (const auto& [id, group] : s.groups) status.groups.push_back(s.group_status(*group));
    for (GroupStatus& one : s.status_elsewhere()) status.groups.push_back(std::move(one));
    for (const auto& one : s.bounds.all())
        (one.owner == 0 ? status.channels : status.apps).push_back(publisher_status(one));
    for (const auto& [key, count] : s.denials.all())
        status.denials.push_back(s.denial_status(count));
    for (const auto& [id, account] : s.keeper.ledger.accounts()) {
        status.accounts.push_back(account);
        status.unrouted += account.unrouted;
    }
    std::map<std::string, std::uint64_t> held;  // sources, by channel
    for (const auto& [told, causes] : s.holds.all())
        ++held[std::string{wire::to_text(told.channel.kind)} + " " + told.channel.name];
    for (const auto& [channel, sources] : held)
        status.held_producers.push_back(
            sources == 1 ? channel : channel + ", for " + counted(sources, "source"));
    return status;
}

}  // namespace bus::core
