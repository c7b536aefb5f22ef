// Topics have quotas, not hostages: what a durable subscription has collected
// beyond its share lapses, the oldest first, and its publishers go on. What it
// will never get is counted, and its app is told.

#include <algorithm>

#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using State = Exchange::State;

// ---- Its share -------------------------------------------------------------------------------

namespace {

std::size_t literal_beginning(const std::string& filter) {
    return std::min(filter.find('*'), filter.size());
}

// The most specific of those that speak of all that the subscription may collect.
std::optional<Bound> said_of_channels(const Settings& settings, const Destination& subscription) {
    const ChannelSettings* found = nullptr;
    for (const ChannelSettings& one : settings.channels) {
        const bool speaks = one.lapse &&
                            one.channels.kind.value_or(wire::Kind::topic) == subscription.kind &&
                            wire::covers(one.channels.filter, subscription.filter);
        if (speaks && (found == nullptr || literal_beginning(found->channels.filter) <
                                               literal_beginning(one.channels.filter)))
            found = &one;
    }
    return found == nullptr ? std::nullopt : found->lapse;
}

}  // namespace

Group::Quota State::share_of(const Group& group) const {
    const SubscriptionSettings* const own = settings_of(group);
    const Bound said = own != nullptr && own->lapse
                           ? *own->lapse
                           : said_of_channels(settings, group.destination()).value_or(Bound{});
    return {.bytes = said.bytes > 0
                         ? said.bytes
                         : settings.journal_bytes_max / 100 * limits::subscription_share_percent,
            .age = said.age > Duration{} ? said.age : Duration{limits::subscription_age}};
}

void State::apply_shares() {
    for (const auto& [id, group] : groups)
        if (group->has_share()) group->quota = share_of(*group);
}

// ---- What is beyond it -------------------------------------------------------------------------

// It has been given something.
void State::watch_share(Group& group) {
    if (!group.has_share()) return;
    if (!std::exchange(group.collecting, true)) collecting.insert(group.id());
    if (group.queued_bytes() > group.quota.bytes) lapse(group);
}

void State::lapse_beyond_shares() {
    for (const DestinationId id : std::set<DestinationId>{collecting}) {
        Group& group = *groups.at(id);
        lapse(group);
        if (group.queued_bytes() > 0) continue;
        group.collecting = group.lapsing = false;
        collecting.erase(id);
    }
}

void State::lapse(Group& group) {
    std::uint64_t messages = 0;
    for (const Entry& entry : group.take_lapsed(limits::stream_memory, effects.reads))
        messages += lapse(group, entry);
    if (messages == 0 || std::exchange(group.lapsing, true)) return;
    const bool by_bytes = group.queued_bytes() > group.quota.bytes / 2;
    event(Event::Kind::subscription_lapsing, group.title(),
          "it has collected more than its share (" + std::to_string(group.quota.bytes) +
              " bytes, " + in_words(group.quota.age) + "): the oldest " +
              (by_bytes ? "make room for what comes" : "have waited too long") +
              ", until a program reads it; `bus subscription list` counts them",
          messages);
}

// How many messages that are for its app to know.
std::uint64_t State::lapse(Group& group, const Entry& entry) {
    const auto& header = entry.batch().header();
    if (entry.custody->expires <= now) {
        keeper.settle(entry, keeper.expire(entry));
        return 0;
    }
    if (is_abort(header)) {
        keeper.settle(entry, Settlement::settled);
        return 0;
    }
    const bool is_rest = header.part && header.part->index > 0;  // its first part counted it
    const std::uint64_t messages = is_rest ? 0 : entry.messages() - entry.owed().done;
    const std::uint64_t taken = keeper.wall_micros(entry.custody->taken);
    effects.events.push_back(
        {Event::Kind::batch_lapsed, now, group.destination().name, {}, messages, entry.batch()});
    keeper.settle(entry, Settlement::lapsed);
    if (messages > 0 && !group.is_shared())  // its consumers see a part of it anyway
        note_gap(group, {.reason = wire::Gap::Reason::lapsed,
                         .channel = std::string{header.channel},
                         .messages = messages,
                         .from_micros = taken,
                         .to_micros = taken});
    return messages;
}

// ---- What its app is told -----------------------------------------------------------------------

void State::note_gap(Group& group, const Gaps::Last& lost) {
    group.gaps.note(lost);
    gaps_due.insert(group.id());
    if (lost.reason != wire::Gap::Reason::best_effort) gaps_unkept.insert(group.id());
}

// What was guaranteed leaves the journal in the same transaction that tells of its gap.
void State::keep_new_gaps() {
    for (const DestinationId id : std::exchange(gaps_unkept, {}))
        if (const auto found = groups.find(id); found != groups.end()) keep_gaps(*found->second);
}

// Nobody there had room for it.
void State::note_not_kept(Group& group, const wire::BatchHeader& best_effort) {
    if (group.is_queue()) return;
    const std::uint64_t taken = keeper.wall_micros(now);
    note_gap(group, {.reason = wire::Gap::Reason::best_effort,
                     .channel = std::string{best_effort.channel},
                     .messages = best_effort.message_count,
                     .from_micros = taken,
                     .to_micros = taken});
}

void State::note_damaged(const Damaged& damaged) {
    for (const auto& lost : damaged.lost) {
        const auto found = groups.find(lost.stream.to);
        if (found == groups.end() || found->second->is_queue()) continue;
        note_gap(*found->second, {.reason = wire::Gap::Reason::damaged, .messages = lost.messages});
    }
}

// What this host had taken and its journal does not know was for some of them.
void State::note_restored() {
    for (const auto& [id, group] : groups)
        if (group->is_durable()) note_gap(*group, {.reason = wire::Gap::Reason::restored});
}

// Once a second: whoever loses much need not hear of each.
void State::flush_gaps() {
    for (const DestinationId id : std::exchange(gaps_due, {})) {
        const auto found = groups.find(id);
        if (found == groups.end()) continue;
        Group& group = *found->second;
        if (!tell_gaps(group)) keep_gaps(group);
    }
}

bool State::tell_gaps(Group& group) {
    const bool stands = group.stored_by <= keeper.committed_through();  // it hears of that first
    if (!group.gaps.has_news() || group.consumers() == 0 || !stands) return false;
    for (const ConsumerId& consumer : group.consumer_ids())
        reply(consumer.session, group.gaps.untold(consumer.id));
    group.gaps.tell();
    keep_gaps(group);
    return true;
}

void State::keep_gaps(const Group& group) {
    if (group.is_durable()) keeper.change(PutGaps{group.id(), group.gaps});
}

}  // namespace bus::core
