// Durable subscriptions, as operators and the configuration declare and end
// them. Each change is one transaction.

#include "core/subscriptions.h"

#include <algorithm>

#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using State = Exchange::State;
using Verdict = SubscriptionChange::Verdict;
using What = SubscriptionOrder::What;

Group& State::add_subscription(Destination destination) {
    last_destination = destination.id = last_destination.next();
    Group& added = add_group(std::move(destination));
    const Destination& d = added.destination();
    keeper.change(PutDestination{d}, added.is_durable());
    if (!added.is_durable()) return added;
    added.stored_by = keeper.pending_submission();
    if (tombstones.erase({d.kind, d.name, "", d.filter}) > 0)
        keeper.change(DropTombstone{d.kind, d.name, d.filter}, true);
    return added;
}

void State::end_durable(Group& group) {
    const wire::InterestItem gone = interest_of(group);
    drop_group(group.id());
    bury_for_good(gone);
}

// Whoever did not hear of its end shall not give it back.
void State::bury_for_good(const wire::InterestItem& gone) {
    const auto version = own_interest.version();
    if (tombstones.size() >= limits::tombstones_max) {
        const auto& [kind, name, group, filter] = tombstones.begin()->first;
        keeper.change(DropTombstone{kind, name, filter, group});
        tombstones.erase(tombstones.begin());
    }
    tombstones[key_of(gone)] = version;
    keeper.change(PutTombstone{gone.kind, gone.name, gone.filter, version, gone.group}, true);
}

// ---- What the configuration declares -------------------------------------------------------

Group* State::find_standing(const std::string& name) {
    Group* const durable = find_group(Destination::Type::durable, name);
    return durable != nullptr ? durable : declared_group(name);
}

Group& State::set_up(const std::string& name, const std::string& filter, bool is_group) {
    if (is_group) {
        Group& group = shared(name, filter);
        declare_shared(group, {});
        return group;
    }
    Group& added = add_subscription({.type = Destination::Type::durable,
                                     .kind = wire::Kind::topic,
                                     .name = name,
                                     .filter = filter});
    show_interest(added);
    return added;
}

namespace {

std::string standing_words(const Group& group) {
    return (group.is_shared() ? "as a group with the filter " : "with the filter ") +
           group.destination().filter;
}

}  // namespace

// What it declares no more stays: nobody said that its messages may go.
void State::apply_subscriptions() {
    for (const SubscriptionSettings& wanted : settings.subscriptions) {
        const Group* const found = find_standing(wanted.name);
        if (found == nullptr) {
            set_up(wanted.name, wanted.filter, wanted.group);
            event(Event::Kind::subscription_added, wanted.name,
                  "the configuration declares it, filter " + wanted.filter);
        } else if (found->destination().filter != wanted.filter ||
                   found->is_shared() != wanted.group) {
            event(Event::Kind::subscription_changed, wanted.name,
                  std::string{"the configuration wants it "} + (wanted.group ? "as a group " : "") +
                      "with the filter " + wanted.filter + ", and it stands " +
                      standing_words(*found) +
                      ": it stays as it is; `bus subscription remove` ends it, with what it has");
        }
    }
}

const SubscriptionSettings* State::settings_of(const Group& group) const {
    const auto found = std::find_if(settings.subscriptions.begin(), settings.subscriptions.end(),
                                    [&](const auto& one) { return one.name == group.title(); });
    return !(group.is_durable() || group.is_declared()) || found == settings.subscriptions.end()
               ? nullptr
               : &*found;
}

// ---- What operators order --------------------------------------------------------------------

namespace {

bool is_so(What what, const Group& group) {
    switch (what) {
        case What::add:
            return true;
        case What::pause:
            return group.is_paused();
        case What::resume:
            return !group.is_paused();
        case What::purge:
        case What::remove:
            return false;
    }
    return false;
}

}  // namespace

SubscriptionChange State::change(const SubscriptionOrder& order) {
    Group* group = find_standing(order.name);
    // What waits here for a group may be there for others alone.
    if (const auto known = groups_called(order.name);
        group == nullptr && order.what == What::purge && !known.empty())
        group = known.front();
    if (group == nullptr) return declare(order);
    SubscriptionChange change = plan(order, *group);
    if (change.verdict != Verdict::done || order.dry_run) return change;
    carry_out(order, *group);
    change.stored_by = keeper.pending_submission();
    return change;
}

// There is none of that name.
SubscriptionChange State::declare(const SubscriptionOrder& order) {
    SubscriptionChange change{.name = order.name, .filter = order.filter, .group = order.group};
    if (order.what != What::add)
        change.verdict = Verdict::unknown;
    else if (groups.size() >= limits::subscriptions_max)
        change.verdict = Verdict::too_many;
    if (change.verdict != Verdict::done || order.dry_run) return change;
    const Group& added = set_up(order.name, order.filter, order.group);
    change.stored_by = added.stored_by;
    event(Event::Kind::subscription_added, order.name,
          "declared by an operator, filter " + order.filter);
    return change;
}

SubscriptionChange State::plan(const SubscriptionOrder& order, const Group& group) const {
    const auto waiting = group.waiting();
    SubscriptionChange change{.name = order.name,
                              .filter = group.destination().filter,
                              .group = group.is_shared(),
                              .consumers = group.consumers(),
                              .messages = waiting.messages,
                              .bytes = waiting.bytes,
                              .handed_out = group.unacknowledged(),
                              .stored_by = group.stored_by};
    if (order.what == What::add && change.group != order.group)
        change.verdict = Verdict::other_type;
    else if (order.what == What::add && change.filter != order.filter)
        change.verdict = Verdict::other_filter;
    else if (order.what == What::remove && settings_of(group) != nullptr)
        change.verdict = Verdict::configured;
    else if (is_so(order.what, group))
        change.verdict = Verdict::as_it_was;
    return change;
}

void State::carry_out(const SubscriptionOrder& order, Group& group) {
    const auto waiting = group.waiting().messages;
    switch (order.what) {
        case What::add:
            return;
        case What::pause:
        case What::resume:
            group.pause(order.what == What::pause);
            keep(group);
            if (group.is_shared()) group.is_paused() ? hide_interest(group) : note_consumers(group);
            touch(group);
            return event(Event::Kind::subscription_changed, order.name,
                         group.is_paused() ? "paused by an operator: it collects, and hands out "
                                             "nothing until it is resumed"
                                           : "resumed by an operator");
        case What::purge:
            renew(group);
            return event(Event::Kind::subscription_changed, order.name,
                         "purged by an operator: " + counted(waiting, "message") + " dropped",
                         waiting);
        case What::remove:
            expel_consumers(group, "the subscription \"" + order.name +
                                       "\" was removed by an operator, with what it had");
            group.is_shared() ? end_shared(group) : end_durable(group);
            return event(Event::Kind::subscription_removed, order.name,
                         "removed by an operator: " + counted(waiting, "message") + " dropped",
                         waiting);
    }
}

// Each is told that what it consumed from is there no more.
void State::expel_consumers(Group& group, const std::string& reason, wire::Reject code) {
    for (const ConsumerId& consumer : group.consumer_ids()) {
        group.leave(consumer, Group::Parting::left);
        if (const auto far = attachments.find(consumer.session); far != attachments.end()) {
            tell_ended(far->second.agent, far->second.id, code, reason);
            end_attachment(consumer.session, Group::Parting::left);
            continue;
        }
        sessions.at(consumer.session).subscriptions.erase(consumer.id);
        std::erase_if(pending_replies, [&](const PendingReply& pending) {
            const auto* const told = std::get_if<wire::Subscribed>(&pending.reply);
            return pending.session == consumer.session && told != nullptr &&
                   told->id == consumer.id;
        });
        fail(consumer.session, consumer.id, code, reason);
    }
}

// Purged: a new destination takes its place, so that the journal forgets what the old one had
// without reading it.
void State::renew(Group& group) {
    const DestinationId old = group.id();
    Destination again = group.destination();
    const Gaps gaps = group.gaps;
    const Time since = group.interest_since;
    const auto declarers = group.declarers;
    const bool shown = std::exchange(group.interest_shown, false);  // nobody need hear of it
    auto consumers = group.take_consumers();
    group.purge();
    last_destination = again.id = last_destination.next();
    keeper.ledger.pass_on(old, again.id);
    drop_group(old);
    Group& fresh = add_group(std::move(again));
    keeper.change(PutDestination{fresh.destination()}, true);
    fresh.stored_by = keeper.pending_submission();
    fresh.interest_shown = shown;
    fresh.interest_since = since;
    fresh.gaps = gaps;
    keeper.change(PutGaps{fresh.id(), gaps});
    fresh.declarers = declarers;
    if (fresh.is_shared()) find_takers(fresh);
    for (const auto& consumer : consumers)
        sessions.at(consumer.id().session).subscriptions[consumer.id().id] = fresh.id();
    fresh.adopt(std::move(consumers));
    touch(fresh);  // they may have deadlines
}

// ---- What there is ---------------------------------------------------------------------------

Acquaintance State::acquaintance(const Remote& remote, const Group& group) const {
    Acquaintance known{.agent = name_of(remote.agent())};
    const Paths::Path* const path = paths.best(remote.agent());
    const Peer* const peer = path == nullptr ? nullptr : peer_by_id(path->neighbour());
    if (peer == nullptr || peer->active == nullptr) return known;
    if (peer->id != remote.agent()) {
        known.via = peer->settings.name;
        known.state = remote.up ? Acquaintance::State::behind : Acquaintance::State::unreachable;
        return known;
    }
    const bool is_heard = peer->interest_heard && peer->interest_told >= group.interest_since;
    known.state = is_heard ? Acquaintance::State::known : Acquaintance::State::told;
    return known;
}

SubscriptionStatus State::subscription_status(const Group& group) const {
    const auto waiting = group.waiting();
    const Time oldest = std::min(now, group.oldest());
    SubscriptionStatus status{
        .name = group.title(),
        .filter = group.destination().filter,
        .group = group.is_shared(),
        .paused = group.is_paused(),
        .configured = settings_of(group) != nullptr,
        .consumers = group.consumers(),
        .waiting_messages = waiting.messages,
        .waiting_bytes = waiting.bytes,
        .oldest_millis = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(now - oldest).count()),
        .handed_out = group.unacknowledged(),
        .share_bytes = group.quota.bytes,
        .share_age_millis = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(group.quota.age).count()),
        .gaps = group.gaps,
        .account = keeper.ledger.account(group.id()),
        .agents = {}};
    for (const auto& [agent, remote] : remotes)
        status.agents.push_back(acquaintance(*remote, group));
    for (const auto& peer : peers)  // never heard
        if (peer->configured && peer->remote == nullptr)
            status.agents.push_back({.agent = peer->settings.name});
    return status;
}

SubscriptionChange Exchange::change_subscription(const SubscriptionOrder& order, Time now) {
    return at(now).change(order);
}

std::vector<SubscriptionStatus> Exchange::subscriptions(Time now) const {
    state_->now = std::max(state_->now, now);  // ages are reckoned from here
    std::vector<SubscriptionStatus> all;
    for (const auto& [key, group] : state_->groups_by_name)
        if (group->is_durable() || group->is_declared())
            all.push_back(state_->subscription_status(*group));
    return all;
}

bool Exchange::is_stored(Submission change) const {
    return state_->keeper.committed_through() >= change;
}

}  // namespace bus::core
