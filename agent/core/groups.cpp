// Queues and subscriptions come and go; peers hear of it.

#include "core/state.h"

namespace bus::core {

Group& Exchange::State::add_group(Destination destination) {
    auto group = std::make_unique<Group>(destination, keeper, leases);
    Group& added = *group;
    groups_by_name[{destination.type, destination.name}] = &added;
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
    for (const auto& [agent, remote] : remotes)
        if (works_on(*remote, name)) {
            remote->queues.push_back(&added);
            added.takers.push_back(remote.get());
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
    groups.erase(found);
    forget_routes();
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
bool Exchange::State::works_on(const Remote& remote, const std::string& queue) const {
    return remote.via != nullptr && remote.up && remote.interest.wants(wire::Kind::queue, queue) &&
           peers_by_outbound.at(remote.via)->may_have(wire::Kind::queue, queue);
}

void Exchange::State::refresh_queues(Remote& remote) {
    for (Group* queue_here : std::exchange(remote.queues, {}))
        std::erase(queue_here->takers, &remote);
    for (const auto& [id, group] : groups) {
        if (!group->is_queue() || !works_on(remote, group->destination().name)) continue;
        remote.queues.push_back(group.get());
        group->takers.push_back(&remote);
    }
    wake(remote);
}

}  // namespace bus::core
