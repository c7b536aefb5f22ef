// Queues that one agent keeps ("home"). Everywhere else such a queue is a way:
// what is sent is owed to the home as what a topic has for it, safe and in
// order, and consumers are consumers of the home's own group (far_consumers.cpp,
// attachments.cpp). At the home it is a queue that nobody else takes from.

#include <algorithm>

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

namespace {

bool is_own_name(const Settings& settings, std::string_view name) {
    return name == settings.name || name == to_text(settings.agent);
}

}  // namespace

State::QueueHome State::home_of(std::string_view queue) {
    if (!has_homes) return {};
    const std::string& name = keeper.policies.of(wire::Kind::queue, queue).home;
    if (name.empty()) return {};
    if (is_own_name(settings, name)) return {.where = QueueHome::Where::here, .name = name};
    // By its id it need not have been met.
    if (const auto id = id_from_text<AgentId>(name); id && !id->is_zero())
        if (Remote* const remote = learn(*id))
            return {.where = QueueHome::Where::elsewhere, .name = name, .remote = remote};
    const auto agent = find_agent(name);
    if (!agent)
        return {.where = QueueHome::Where::unknown,
                .name = name,
                .why = std::string{queue} + " is kept by " + name +
                       " (\"home\"), which this agent has not met yet: " + agent.error()};
    if (Remote* const remote = learn(*agent))
        return {.where = QueueHome::Where::elsewhere, .name = name, .remote = remote};
    return {.where = QueueHome::Where::unknown,
            .name = name,
            .why = "too many agents are known here (limits::agents_max) for " + name +
                   " (\"home\") to be one of them"};
}

Group::Keeping State::keeping_of(const Destination& destination) {
    if (destination.type != Destination::Type::queue ||
        home_of(destination.name).where != QueueHome::Where::here)
        return {};
    return {.here = true,
            .exclusive = keeper.policies.of(destination.kind, destination.name).exclusive};
}

// Its agent's name is the home's only as long as this agent knows it, also after a restart.
void State::keep_name(Remote& home) {
    if (home.kept_name == home.name) return;
    Destination named = home.destination();
    named.name = home.kept_name = home.name;
    keeper.change(PutDestination{named}, true);
}

// Also what a peer sent for this host: that is drained, or the queue is another's now.
bool State::is_leaving(const Group& group) {
    if (draining) return group.is_queue();
    return group.destination().type == Destination::Type::queue &&
           home_of(group.destination().name).remote != nullptr;
}

void State::apply_homes() {
    has_homes =
        std::any_of(settings.channels.begin(), settings.channels.end(),
                    [](const ChannelSettings& one) { return one.home && !one.home->empty(); });
    show_kept();
    bool changed = false;
    for (const auto& [id, group] : groups) {
        if (group->destination().type != Destination::Type::queue) continue;
        group->gives_all_away = is_leaving(*group);
        const Group::Keeping keeping = keeping_of(group->destination());
        if (keeping == group->keeping()) continue;
        changed = true;
        group->keep(keeping);
        if (keeping.here)  // no other takes from it any more
            for (const auto& [agent, remote] : remotes) reclaim_large_messages(*remote, *group);
        touch(*group);
    }
    expel_from_moved_queues();
    routes.forget_all();
    if (!changed) return;
    for (const auto& [agent, remote] : remotes) refresh_queues(*remote);
}

// An agent that does not know the home sends there as to an agent with consumers.
void State::show_kept() {
    std::set<std::string> wanted;
    for (const ChannelSettings& one : settings.channels)
        if (one.home && is_own_name(settings, *one.home)) wanted.insert(one.channels.filter);
    const auto item_of = [](const std::string& filter) {
        return wire::InterestItem{
            .kind = wire::Kind::queue, .durable = false, .name = {}, .group = {}, .filter = filter};
    };
    for (const std::string& filter : wanted)
        if (!kept_filters.contains(filter)) own_interest.add(item_of(filter));
    for (const std::string& filter : kept_filters)
        if (!wanted.contains(filter)) own_interest.remove(item_of(filter));
    kept_filters = std::move(wanted);
}

// Who consumes here a queue that another keeps now, or there what that does not keep any more, has
// to subscribe again; libbus does so by itself.
void State::expel_from_moved_queues() {
    const std::string reason = "the configuration gives the queue another home: subscribe again";
    std::vector<Group*> moved;
    for (const auto& [id, group] : groups) {
        if (group->destination().type != Destination::Type::queue || group->consumers() == 0)
            continue;
        const auto where = home_of(group->destination().name).where;
        if (where == QueueHome::Where::elsewhere || where == QueueHome::Where::unknown)
            moved.push_back(group.get());
    }
    for (Group* group : moved) {
        expel_consumers(*group, reason, wire::Reject::unavailable);
        hide_interest(*group);
    }
    std::vector<SessionId> ended;
    for (const auto& [session, one] : attachments)
        if (!groups.at(one.group)->is_kept_here()) ended.push_back(session);
    for (const SessionId session : ended) {
        const Attachment& one = attachments.at(session);
        tell_ended(one.agent, one.id, wire::Reject::unavailable, reason);
        end_attachment(session, Group::Parting::left);
    }
    std::vector<ConsumerId> lost;
    for (const auto& [id, one] : far_consumers) {
        const QueueHome home = home_of(one.queue);
        if (home.remote == nullptr || home.remote->agent() != one.home) lost.push_back(id);
    }
    for (const ConsumerId& id : lost)
        refuse_far_consumer(far_consumers.at(id), wire::Reject::unavailable, reason);
}

// Refused by name until the home was met once: what is taken must have somewhere to go.
State::Refusal State::why_no_home(const wire::BatchHeader& header) {
    if (!has_homes || header.kind != wire::Kind::queue) return std::nullopt;
    const Route* const known = routes.find(header.kind, header.channel);
    if (known != nullptr && known->no_home.empty()) return std::nullopt;
    // Before its route is decided, for which a queue would be begun here.
    const QueueHome home = home_of(header.channel);
    if (!home.why.empty()) return {{wire::Reject::unavailable, home.why}};
    const Route& here = route(header.kind, header.channel);
    if (here.no_home.empty()) return std::nullopt;
    return {{wire::Reject::not_allowed, here.no_home}};
}

}  // namespace bus::core
