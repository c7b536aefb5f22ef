// What this host's publishers may bring, on channels or of one user: what waits
// in the journal, and how fast it comes. Beyond it they are held back, or
// refused. Not the peers: what waits here for one of them, and there for this
// agent, would hold both for ever, and so would any ring of agents.

#include <algorithm>

#include "core/state.h"
#include "core/words.h"

namespace bus::core {

using State = Exchange::State;
using One = PublisherBounds::One;

namespace {

wire::ChannelKey channel_of(const wire::BatchHeader& header) {
    return {header.kind, std::string{header.channel}};
}

// A large message is one: its first part.
std::uint32_t counted_messages(const wire::BatchHeader& header) {
    if (header.part) return header.part->index == 0 ? 1 : 0;
    return header.message_count;
}

bool is_beyond(const One& bound, Time now) {
    return bound.reached != One::Reached::no || !bound.rate.free(now);
}

}  // namespace

void State::on_watched(const Watched& watched) {
    for (const std::uint32_t number : bounds.on_watched(watched))
        let_go_on(Cause{Cause::Of::bound, number});
}

void State::release_rates() {
    if (bounds.next_release() > now) return;
    for (const std::uint32_t number : bounds.release(now))
        for (const auto& told : holds.release(Cause{Cause::Of::bound, number}))
            send_resume(told.source, told.channel);
}

// Of a large message the first part is judged; what has begun goes on.
State::Refusal State::why_over_bound(Producer& own, const wire::BatchHeader& header) {
    const auto refusal = [](const std::string& words) {
        return Refusal{{wire::Reject::limit, words}};
    };
    if (header.part && header.part->index > 0) {
        const auto begun = own.refused.find(header.part->first_sequence);
        if (begun == own.refused.end()) return std::nullopt;
        if (is_last_part(header)) own.refused.erase(begun);
        return refusal("the beginning of this large message was refused");
    }
    if (!bounds.any()) return std::nullopt;
    const Owner owner = owner_of(own.uid);
    for (One& bound : bounds.all()) {
        if (!bound.refuses() || !is_beyond(bound, now)) continue;
        if (!bound.concerns(owner, header.kind, header.channel)) continue;
        bound.refused += counted_messages(header);
        if (header.part && own.refused.size() < limits::unfinished_max)
            own.refused.insert(header.part->first_sequence);
        return refusal(bound_words(Cause{Cause::Of::bound, bound.number}));
    }
    return std::nullopt;
}

// Best effort does not wait.
bool State::is_too_fast(Owner owner, const wire::BatchHeader& header) const {
    return bounds.any() &&
           std::any_of(bounds.all().begin(), bounds.all().end(), [&](const One& one) {
               return !one.rate.free(now) && one.concerns(owner, header.kind, header.channel);
           });
}

// It was taken: who is at a bound now waits.
void State::spend(const Producer& own, const wire::BatchHeader& header) {
    for (One& bound : bounds.all()) {
        if (!bound.concerns(owner_of(own.uid), header.kind, header.channel)) continue;
        bound.rate.spend(counted_messages(header), now);
        if (bound.refuses() || !header.guaranteed() || !is_beyond(bound, now)) continue;
        hold_back(own, bound.owner == 0 ? channel_of(header) : every_channel, bound);
    }
}

// That a rate holds is no event: it does so several times a second.
void State::hold_back(const Producer& own, const wire::ChannelKey& channel, One& bound) {
    const bool reached = bound.reached != One::Reached::no;
    bound.rate_holds = bound.rate_holds || !bound.rate.free(now);
    const Cause cause{Cause::Of::bound, bound.number};
    if (!holds.hold(own.id, channel, cause)) return;
    if (reached)
        tell_hold(own.id, channel, bound_words(cause));
    else
        send_hold(own.id, channel, bound_words(cause));
}

// A producer that comes now.
void State::hold_if_reached(const Producer& own) {
    for (const One& bound : bounds.all())
        if (bound.owner == owner_of(own.uid) && bound.holds())
            (void)holds.hold(own.id, every_channel, Cause{Cause::Of::bound, bound.number});
}

// ---- Subscriptions that outlive their programs ---------------------------------------------

std::optional<std::string> State::why_no_more(const Session& session,
                                              const wire::Subscribe& command) {
    const std::string& name = command.group.empty() ? command.durable : command.group;
    const std::uint32_t uid = session.uid;
    const auto bound = settings.app_bounds.find(uid);
    if (bound == settings.app_bounds.end() || bound->second.subscriptions == 0 || name.empty() ||
        find_standing(name) != nullptr)
        return std::nullopt;
    const auto most = bound->second.subscriptions;
    const auto has = std::count_if(groups.begin(), groups.end(), [&](const auto& one) {
        return one.second->destination().owner == owner_of(uid);
    });
    if (static_cast<std::uint64_t>(has) < most) return std::nullopt;
    return "uid " + std::to_string(uid) + " has " +
           counted(static_cast<std::uint64_t>(has), "durable subscription") +
           ", as many as it may (limits.subscriptions of its rule); `bus subscription list` shows "
           "them";
}

}  // namespace bus::core
