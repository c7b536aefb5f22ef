// Subscription groups: one copy of each message for all consumers of a group,
// wherever they are. To the agents a group is a queue that topics feed. Each
// agent that knows of it keeps one, by its name and filter together; the agent
// that takes a message from its producer puts it into its own, which hands out
// here or gives to an agent that has consumers. A copy says on its way for
// which group it is (Batch::header().group), and no other agent feeds it again.
//
// A group stands as long as some agent declares it: that is told under its
// name, durably, as a durable subscription is. That an agent has consumers now
// is told without a name, and lives with them.

#include <algorithm>

#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using State = Exchange::State;

namespace {

wire::InterestItem existence_of(const Group& group) {
    const Destination& d = group.destination();
    return {.kind = d.kind, .durable = true, .name = d.group, .group = d.group, .filter = d.filter};
}

bool is_existence(const wire::InterestItem& item) {
    return item.durable && !item.group.empty() && !wire::is_late_joiner(item.group);
}

}  // namespace

Group& State::shared(const std::string& name, const std::string& filter) {
    const std::string address = wire::group_address(name, filter);
    if (Group* const found = find_group(Destination::Type::shared, address)) return *found;
    last_destination = last_destination.next();
    Group& added = add_group({.type = Destination::Type::shared,
                              .id = last_destination,
                              .kind = wire::Kind::topic,
                              .name = address,
                              .filter = filter,
                              .group = name});
    keeper.declare(added.destination());
    find_takers(added);
    return added;
}

std::vector<Group*> State::groups_called(const std::string& name) const {
    std::vector<Group*> found;
    auto at = groups_by_name.lower_bound({Destination::Type::shared, name + ' '});
    for (; at != groups_by_name.end(); ++at) {
        Group* const group = at->second;
        if (!group->is_shared() || group->title() != name) break;
        found.push_back(group);
    }
    return found;
}

Group* State::declared_group(const std::string& name) const {
    for (Group* group : groups_called(name))
        if (group->is_declared()) return group;
    return nullptr;
}

// ---- This host's word
// ----------------------------------------------------------------------------

void State::declare_shared(Group& group, Owner owner) {
    if (group.is_declared()) return;
    group.declare(true, owner);
    keep(group);
    group.interest_since = now;
    const wire::InterestItem item = existence_of(group);
    own_interest.add(item);
    routes.note_change(item.kind, item.filter);
    if (tombstones.erase(key_of(item)) > 0)
        keeper.change(DropTombstone{item.kind, item.name, item.filter, item.group}, true);
}

void State::recover_shared(Group& group) {
    if (group.is_declared()) own_interest.add(existence_of(group));
}

// For this host. Others may want it to be, and then it stays here for them.
void State::end_shared(Group& group) {
    const wire::InterestItem item = existence_of(group);
    hide_interest(group);
    group.declare(false, {});
    keep(group);
    own_interest.remove(item);
    routes.note_change(item.kind, item.filter);
    bury_for_good(item);
    drop_if_unwanted(group);
}

void State::keep(Group& group) {
    if (group.is_shared()) keeper.declare(group.destination());
    keeper.change(PutDestination{group.destination()}, true);
    group.stored_by = keeper.pending_submission();
}

// ---- What peers say
// ------------------------------------------------------------------------------

void State::learn_shared(Remote& of, const wire::InterestItem& item) {
    if (!is_existence(item)) return;
    const std::string address = wire::group_address(item.group, item.filter);
    if (find_group(Destination::Type::shared, address) == nullptr &&
        groups.size() >= limits::subscriptions_max)
        return event(Event::Kind::link_refused, of.name,
                     "it wants a group \"" + address +
                         "\" to be, and this agent has no room for one more "
                         "(limits::subscriptions_max): nothing is kept for it here");
    auto& declarers = shared(item.group, item.filter).declarers;
    if (std::find(declarers.begin(), declarers.end(), &of) == declarers.end())
        declarers.push_back(&of);
}

void State::forget_shared(Remote& of, const wire::InterestItem& item) {
    if (!is_existence(item)) return;
    Group* const group =
        find_group(Destination::Type::shared, wire::group_address(item.group, item.filter));
    if (group == nullptr) return;
    std::erase(group->declarers, &of);
    drop_if_unwanted(*group);
}

void State::drop_if_unwanted(Group& group) {
    if (group.is_declared() || !group.declarers.empty()) return;
    const auto waiting = group.waiting().messages;
    if (waiting > 0)
        event(Event::Kind::subscription_removed, group.destination().group,
              "the group was removed wherever it was wanted: " + counted(waiting, "message") +
                  " dropped here",
              waiting);
    drop_group(group.id());
}

// At the start: its end was not on disk with that of whoever wanted it.
void State::drop_unwanted() {
    std::vector<Group*> all;
    for (const auto& [id, group] : groups)
        if (group->is_shared()) all.push_back(group.get());
    for (Group* group : all) drop_if_unwanted(*group);
}

void State::forget_declarer(const Remote& remote) {
    std::vector<Group*> all;
    for (const auto& [id, group] : groups)
        if (std::erase(group->declarers, &remote) > 0) all.push_back(group.get());
    for (Group* group : all) drop_if_unwanted(*group);
}

// What is on its way to them may arrive; here it is over.
void State::take_back_from_peers(Group& group) {
    std::vector<Entry> entries;
    for (const auto& [agent, remote] : remotes) {
        for (LargeMessage* message : group.undecided_with(remote.get())) {
            for (const auto& peer : peers) peer->outbound->abandon(group, *message);
            remote->abandon(group, *message);
        }
        remote->withdraw(group, entries);
    }
    for (const auto& peer : peers) peer->outbound->withdraw(group, entries);
    for (const Entry& entry : entries)
        if (!group.decided_at_peer(entry, Settlement::purged))
            keeper.settle(entry, Settlement::purged);
}

// ---- Where what is published goes
// ----------------------------------------------------------------

// What no agent that wants the group may have would wait in it for ever.
bool State::may_feed(const Group& group, wire::Kind kind, std::string_view channel) const {
    return group.is_declared() ||
           std::any_of(group.declarers.begin(), group.declarers.end(),
                       [&](const Remote* by) { return may_reach(*by, kind, channel); });
}

// Best effort, where this host has no consumer with room: to one of the agents that have some.
bool State::pass_to_taker(const Arrival& arrival, const Batch& batch, Group& group) {
    if (!group.is_shared() || arrival.from_peer || group.takers.empty()) return false;
    const std::size_t at = group.next_taker++ % group.takers.size();
    return pass_on_now(arrival, for_group(batch, group.group()), {group.takers[at]});
}

}  // namespace bus::core
