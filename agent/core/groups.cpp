// Queues and subscriptions come and go; peers hear of it.

#include "core/state.h"

namespace bus::core {

Group& Exchange::State::add_group(Destination destination) {
    auto group = std::make_unique<Group>(destination, keeper, leases);
    Group& added = *group;
    groups_by_name[{destination.type, destination.name}] = &added;
    if (added.is_queue()) restless.insert(added.id());
    if (has_filter(destination.type)) {
        groups_by_filter.add(destination.kind, destination.filter, added);
        routes.note_change(destination.kind, destination.filter);
    }
    if (destination.type == Destination::Type::queue) {
        added.keep(keeping_of(destination));
        added.gives_all_away = home_of(destination.name).remote != nullptr;
    }
    if (added.has_share()) added.quota = share_of(added);
    if (added.is_late_joiner()) late_joiners[added.late_joiner_name()] = &added;
    groups.emplace(destination.id, std::move(group));
    return added;
}

Group& Exchange::State::queue(const std::string& name) {
    if (Group* const found = find_group(Destination::Type::queue, name)) return *found;
    last_destination = last_destination.next();
    Group& added = add_group({.type = Destination::Type::queue,
                              .id = last_destination,
                              .kind = wire::Kind::queue,
                              .name = name});
    keeper.declare(added.destination());
    find_takers(added);
    return added;
}

Group& Exchange::State::service(const std::string& name) {
    if (Group* const found = find_group(Destination::Type::service, name)) return *found;
    last_service = last_service.next();
    Group& added = add_group({.type = Destination::Type::service,
                              .id = last_service,
                              .kind = wire::Kind::service,
                              .name = name});
    find_takers(added);
    return added;
}

void Exchange::State::find_takers(Group& group) {
    if (group.is_kept_here()) return;
    const wire::Kind kind = group.destination().kind;
    const std::string& name = group.destination().name;
    std::vector<Remote*> wanting;
    if (group.is_shared()) {
        const InterestKey working = key_of(interest_of(group));
        for (const auto& [agent, remote] : remotes)
            if (remote->interest.items().contains(working)) wanting.push_back(remote.get());
    } else {
        find_wanting(kind, name, wanting);
    }
    for (Remote* remote : wanting)
        if (works_on(*remote, kind, name)) {
            remote->queues.push_back(&group);
            group.takers.push_back(remote);
        }
}

Group* Exchange::State::find_group(Destination::Type type, const std::string& name) {
    const auto found = groups_by_name.find({type, name});
    return found == groups_by_name.end() ? nullptr : found->second;
}

// Its messages go with it, counted as purged.
void Exchange::State::drop_group(DestinationId id) {
    const auto found = groups.find(id);
    if (found == groups.end()) return;
    Group& group = *found->second;
    hide_interest(group);
    if (group.is_shared()) take_back_from_peers(group);
    group.purge();
    if (group.is_service())
        keeper.ledger.forget(id);
    else
        keeper.forget_destination(id);
    let_go_on(id);
    groups_by_name.erase({group.destination().type, group.destination().name});
    if (group.is_late_joiner()) late_joiners.erase(group.late_joiner_name());
    for (Remote* taker : group.takers) std::erase(taker->queues, &group);
    delaying.erase(id);
    restless.erase(id);
    collecting.erase(id);
    const Destination& gone = group.destination();
    if (has_filter(gone.type)) groups_by_filter.remove(gone.kind, gone.filter, group);
    routes.note_change(gone.kind, has_filter(gone.type) ? gone.filter : gone.name);
    groups.erase(found);
}

wire::InterestItem Exchange::State::interest_of(const Group& group) const {
    const Destination& d = group.destination();
    const bool durable = d.type == Destination::Type::durable;
    return {.kind = d.kind,
            .durable = durable,
            .name = durable ? d.name : std::string{},
            .group = group.is_shared() ? d.group : std::string{},
            .filter = has_filter(d.type) ? d.filter : d.name};
}

void Exchange::State::show_interest(Group& group) {
    if (group.interest_shown) return;
    group.interest_shown = true;
    group.interest_since = now;
    own_interest.add(interest_of(group));
    if (group.is_late_joiner()) own_interest.add(wish_of(group));
}

void Exchange::State::hide_interest(Group& group) {
    if (!group.interest_shown) return;
    group.interest_shown = false;
    own_interest.remove(interest_of(group));
    if (group.is_late_joiner()) own_interest.remove(wish_of(group));
}

// A queue's messages go only where a consumer is within reach: those of a subscription also set out
// for who is away. (What of a group's it may not have shows with each batch.)
bool Exchange::State::works_on(const Remote& wanting, wire::Kind kind,
                               std::string_view name) const {
    return wanting.via != nullptr && wanting.up &&
           (kind == wire::Kind::topic || peers_by_outbound.at(wanting.via)->may_have(kind, name));
}

void Exchange::State::refresh_queues(Remote& remote) {
    for (Group* queue_here : std::exchange(remote.queues, {})) {
        std::erase(queue_here->takers, &remote);
        if (queue_here->is_service()) touch(*queue_here);  // nobody may be left
    }
    for (Group* wanted : queues_wanted_by(remote)) {
        if (wanted->is_kept_here()) continue;
        if (!works_on(remote, wanted->destination().kind, wanted->destination().name)) continue;
        remote.queues.push_back(wanted);
        wanted->takers.push_back(&remote);
    }
    wake(remote);
}

// Queues, groups and services, in the order of their ids.
std::vector<Group*> Exchange::State::queues_wanted_by(const Remote& remote) const {
    std::map<DestinationId, Group*> wanted;
    const auto& items = remote.interest.items();
    // Behind those of anonymous subscriptions, which have no group.
    for (auto at = items.lower_bound({wire::Kind::topic, "", "!", ""});
         at != items.end() && at->second.kind == wire::Kind::topic && at->second.name.empty();
         ++at) {
        const auto address = wire::group_address(at->second.group, at->second.filter);
        const auto found = groups_by_name.find({Destination::Type::shared, address});
        if (found != groups_by_name.end()) wanted.emplace(found->second->id(), found->second);
    }
    for (auto at = items.lower_bound({wire::Kind::queue, "", "", ""}); at != items.end(); ++at) {
        const wire::InterestItem& item = at->second;
        if (wire::is_channel(item.filter)) {
            const auto found = groups_by_name.find({type_of(item.kind), item.filter});
            if (found != groups_by_name.end()) wanted.emplace(found->second->id(), found->second);
            continue;
        }
        for (const auto& [id, group] : groups)
            if (group->destination().kind == item.kind && group->is_queue() &&
                wire::matches(item.filter, group->destination().name))
                wanted.emplace(id, group.get());
    }
    std::vector<Group*> queues;
    for (const auto& [id, queue_here] : wanted) queues.push_back(queue_here);
    return queues;
}

}  // namespace bus::core
