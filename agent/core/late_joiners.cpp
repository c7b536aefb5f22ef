// Last values and those who ask for them: a subscription that is created with
// "last" is a late joiner.
//
// Its own agent hands it what that agent retains, at once. Other agents hear of it
// as of the consumers of a group with a name of its own: interest like any other, so
// it crosses relays, waits where a link is down and is repaired where it was lost.
// Who hears of it for the first time answers with what it retains and they
// may have, addressed to that group, in the streams of the agent that asked, before
// all that is published later. There a last value goes to that subscription alone, if
// it is newer than what that was offered meanwhile.

#include <algorithm>

#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using State = Exchange::State;

// ---- What is retained ------------------------------------------------------------------------

// Of what nobody wanted there is nothing else to keep.
void State::retain_alone(const Arrival& arrival, const Batch& batch) {
    const auto custody = keeper.take_retained(batch, expiry(arrival, batch.header()));
    if (!arrival.intake) return;
    keeper.attach(custody, arrival.intake, arrival.number, 0);
    producers.at(batch.header().producer).bulk_at = now;  // it waits for a commit
}

void State::recover_last_values(const Recovered& recovered) {
    for (const PutLastValue& kept : recovered.last_values) keeper.last_values.recover(kept);
    for (const DropLastValue& lost : recovered.lost_last_values) keeper.last_values.lose(lost);
    apply_retention();
}

// What the configuration says of no more goes, with what has expired.
void State::apply_retention() {
    const auto wall = keeper.wall_micros(now);
    keeper.last_values.keep_only([&](const std::string& channel, const LastValues::Value& value) {
        return !value.is_expired(wall) &&
               keeper.policies.of(wire::Kind::topic, channel).retain_last;
    });
    routes.forget_all();  // they say what is retained
}

void State::tell_evicted() {
    last_values_dropped += keeper.last_values.take_evicted();
    if (last_values_dropped == 0) return;
    if (last_values_told && now - *last_values_told < limits::last_values_told_every) return;
    last_values_told = now;
    event(Event::Kind::last_values_dropped, "last values",
          "more channels retain their last message than there is room for (" +
              std::to_string(limits::last_values_max) + ", " +
              std::to_string(limits::last_values_bytes_max >> 20) +
              " MiB): " + counted(last_values_dropped, "last value") + " dropped, the oldest",
          std::exchange(last_values_dropped, 0));
}

// ---- Of this host ----------------------------------------------------------------------------

wire::InterestItem State::wish_of(const Group& late_joiner) {
    const Destination& d = late_joiner.destination();
    return {.kind = d.kind, .durable = false, .name = "", .group = d.group, .filter = d.filter};
}

namespace {

Batch copy_for(const wire::InterestItem& wish, const LastValues::Value& value) {
    return for_group(value.batch, wire::group_address(wish.group, wish.filter));
}

Time expiry_of(const LastValues::Value& value, const Keeper& keeper) {
    return value.expires_wall_micros == 0 ? never : keeper.from_wall(value.expires_wall_micros);
}

}  // namespace

void State::hand_last_values(Group& late_joiner) {
    const auto wish = wish_of(late_joiner);
    // They are durable with the subscription, or none of them would come after a crash.
    const bool soon = !late_joiner.is_durable() && settles_soon({&late_joiner}, {});
    const Time due = soon ? due_of({&late_joiner}, {}) : now;
    keeper.last_values.visit(wish.filter, keeper.wall_micros(now), [&](const auto& value) {
        const Batch copy = copy_for(wish, value);
        const auto custody = keeper.take(copy, {{{late_joiner.id(), copy.header().lane}, 0}},
                                         expiry_of(value, keeper));
        keeper.want(custody, due);
        late_joiner.offer(Entry{custody, 0});
    });
    touch(late_joiner);
    if (late_joiner.has_share()) watch_share(late_joiner);
}

// ---- Elsewhere -------------------------------------------------------------------------------

void State::answer_late_joiner(Remote& of, const wire::InterestItem& wish) {
    Answered answer{.agent = of.agent(), .wish = wish, .values = {}};
    std::uint64_t without_room = 0;
    keeper.last_values.visit(wish.filter, keeper.wall_micros(now), [&](const auto& value) {
        const Batch copy = copy_for(wish, value);
        const auto& header = copy.header();
        if (!may_reach(of, header.kind, header.channel)) return;
        if (of.queued_bytes() >= bytes_max(of.id())) {
            ++without_room;
            return;
        }
        const auto custody = keeper.take(copy, {{{of.id(), header.lane}, 0}},
                                         expiry_of(value, keeper), {}, 0, false);
        keeper.want(custody, now);
        of.offer(Entry{custody, 0});
        answer.values.push_back(custody);
    });
    wake(of);
    if (without_room > 0)
        event(Event::Kind::last_values_dropped, name_of(of.agent()),
              "so much waits for it that a late joiner there does not get " +
                  counted(without_room, "last value"),
              without_room);
    answered.push_back(std::move(answer));
}

// What was not safe before a crash is answered again: then the agent that asked is heard anew.
void State::keep_answered() {
    std::erase_if(answered, [&](const Answered& one) {
        if (!std::ranges::all_of(one.values, [](const auto& value) { return value->safe(); }))
            return false;
        const Remote* const of = find_remote(one.agent);
        if (of != nullptr && of->interest.items().contains(key_of(one.wish)))
            keeper.change(PutInterest{one.agent, one.wish.kind, one.wish.durable, one.wish.name,
                                      one.wish.group, one.wish.filter});
        return true;
    });
}

// Nobody: it has left, or knows better by now.
std::vector<Group*> State::late_joiners_of(const wire::BatchHeader& header) const {
    const std::string name{header.group.substr(0, header.group.find(' '))};
    const auto found = late_joiners.find(name);
    if (found == late_joiners.end()) return {};
    Group* const late_joiner = found->second;
    const bool wanted = wire::matches(late_joiner->destination().filter, header.channel) &&
                        late_joiner->is_news(header);
    return wanted ? std::vector<Group*>{late_joiner} : std::vector<Group*>{};
}

}  // namespace bus::core
