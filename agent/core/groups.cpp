// Queues and subscriptions come and go; peers hear of it.

#include "core/state.h"

namespace bus::core {

Group& Exchange::State::add_group(Destination destination) {
    auto group = std::make_unique<Group>(destination, keeper, leases);
    Group& added = *group;
    groups_by_name[{destination.type, destination.name}] = &added;
    if (added.is_queue()) {
        restless.insert(added.id());
    } else {
        groups_by_filter.add(destination.kind, destination.filter, added);
        routes.note_change(destination.kind, destination.filter);
    }
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
    std::vector<Remote*> wanting;
    find_wanting(wire::Kind::queue, name, wanting);
    for (Remote* remote : wanting)
        if (works_on(*remote, name)) {
            remote->queues.push_back(&added);
            added.takers.push_back(remote);
        }
    return added;
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
    group.purge();
    keeper.forget_destination(id);
    let_go_on(id);
    groups_by_name.erase({group.destination().type, group.destination().name});
    for (Remote* taker : group.takers) std::erase(taker->queues, &group);
    delaying.erase(id);
    restless.erase(id);
    const Destination& gone = group.destination();
    if (!group.is_queue()) groups_by_filter.remove(gone.kind, gone.filter, group);
    routes.note_change(gone.kind, group.is_queue() ? gone.name : gone.filter);
    groups.erase(found);
}

wire::InterestItem Exchange::State::interest_of(const Group& group) const {
    const Destination& d = group.destination();
    const bool durable = d.type == Destination::Type::durable;
    return {.kind = d.kind,
            .durable = durable,
            .name = durable ? d.name : std::string{},
            .group = d.group,
            .filter = group.is_queue() ? d.name : d.filter};
}

void Exchange::State::show_interest(Group& group) {
    if (group.interest_shown) return;
    group.interest_shown = true;
    own_interest.add(interest_of(group));
}

void Exchange::State::hide_interest(Group& group) {
    if (!group.interest_shown) return;
    group.interest_shown = false;
    own_interest.remove(interest_of(group));
}

// A queue's messages go only where a consumer is within reach: those of a subscription also set out
// for who is away.
bool Exchange::State::works_on(const Remote& wanting, const std::string& queue) const {
    return wanting.via != nullptr && wanting.up &&
           peers_by_outbound.at(wanting.via)->may_have(wire::Kind::queue, queue);
}

void Exchange::State::refresh_queues(Remote& remote) {
    for (Group* queue_here : std::exchange(remote.queues, {}))
        std::erase(queue_here->takers, &remote);
    for (Group* wanted : queues_wanted_by(remote)) {
        if (!works_on(remote, wanted->destination().name)) continue;
        remote.queues.push_back(wanted);
        wanted->takers.push_back(&remote);
    }
    wake(remote);
}

// In the order of their ids.
std::vector<Group*> Exchange::State::queues_wanted_by(const Remote& remote) const {
    std::map<DestinationId, Group*> wanted;
    const auto& items = remote.interest.items();
    for (auto at = items.lower_bound({wire::Kind::queue, "", ""});
         at != items.end() && at->second.kind == wire::Kind::queue; ++at) {
        const std::string& name = at->second.filter;
        if (wire::is_channel(name)) {
            const auto found = groups_by_name.find({Destination::Type::queue, name});
            if (found != groups_by_name.end()) wanted.emplace(found->second->id(), found->second);
            continue;
        }
        for (const auto& [id, group] : groups)
            if (group->is_queue() && wire::matches(name, group->destination().name))
                wanted.emplace(id, group.get());
    }
    std::vector<Group*> queues;
    for (const auto& [id, queue_here] : wanted) queues.push_back(queue_here);
    return queues;
}

}  // namespace bus::core
