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
    for (const auto& peer : peers)
        if (peer->configured && peer->interest.wants(wire::Kind::queue, name))
            peer->queues.push_back(&added);
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
    for (const auto& told : holds.release(id)) tell_resume(told.source, told.channel);
    groups_by_name.erase({group.destination().type, group.destination().name});
    for (const auto& peer : peers) std::erase(peer->queues, &group);
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

// Which local queues each peer works on, after its interest changed.
void Exchange::State::refresh_peer_queues() {
    for (const auto& peer : peers) {
        peer->queues.clear();
        if (!peer->configured || !peer->outbound) continue;
        for (const auto& [id, group] : groups)
            if (group->is_queue() &&
                peer->interest.wants(wire::Kind::queue, group->destination().name))
                peer->queues.push_back(group.get());
        peer->outbound->dirty = true;
    }
}

}  // namespace bus::core
