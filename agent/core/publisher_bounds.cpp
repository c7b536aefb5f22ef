#include "core/publisher_bounds.h"

#include <utility>

#include "base/assert.h"
#include "core/holds.h"

namespace bus::core {
namespace {

using One = PublisherBounds::One;

One of_channels(const ChannelSettings& said) { return {.settings = said}; }

One of_app(std::uint32_t uid, const AppBound& said) {
    return {.settings = {.channels = {std::nullopt, "**"}, .waiting = said.waiting},
            .owner = owner_of(uid)};
}

One::Reached judged(const One& one) {
    using Reached = One::Reached;
    const PublisherBound& most = one.settings.waiting;
    const auto beyond = [](std::uint64_t waits, std::uint64_t bound, std::uint64_t low, bool was) {
        return bound > 0 && waits >= (was ? low : bound);
    };
    if (beyond(one.waits.bytes, most.bytes, room_again(most.bytes), one.reached == Reached::bytes))
        return Reached::bytes;
    if (beyond(one.waits.messages, most.messages, most.messages - most.messages / 4,
               one.reached == Reached::messages))
        return Reached::messages;
    return Reached::no;
}

}  // namespace

// So much that what comes then is no trickle of single messages.
Time PublisherBounds::One::goes_on_at() const { return rate.free_at() + limits::rate_burst / 2; }

std::string PublisherBounds::One::words() const {
    return owner == 0 ? settings.channels.words() : "uid " + std::to_string(owner - 1);
}

std::vector<std::uint32_t> PublisherBounds::replace(const std::vector<ChannelSettings>& channels,
                                                    const std::map<std::uint32_t, AppBound>& apps) {
    std::vector<One> wanted;
    for (const ChannelSettings& said : channels)
        if (said.waiting != PublisherBound{}) wanted.push_back(of_channels(said));
    for (const auto& [uid, said] : apps)
        if (said.waiting != PublisherBound{}) wanted.push_back(of_app(uid, said));

    std::vector<One> before = std::exchange(all_, {});
    std::vector<std::uint32_t> roomy;
    any_rate_ = false;
    for (One& one : wanted) {
        const auto same = std::find_if(before.begin(), before.end(), [&](const One& other) {
            return other.owner == one.owner && other.settings.channels == one.settings.channels;
        });
        if (same == before.end()) {
            one.number = ++last_number_;
        } else {
            one = {.number = same->number,
                   .settings = std::move(one.settings),
                   .owner = one.owner,
                   .waits = same->waits,
                   .reached = same->reached,
                   .rate = same->rate,
                   .rate_holds = same->rate_holds && !one.refuses(),
                   .refused = same->refused};
            // Who is held back is refused from now on, or the other way round.
            if (one.refuses() && same->holds()) roomy.push_back(one.number);
            before.erase(same);
        }
        one.rate.set(one.settings.waiting.rate);
        any_rate_ = any_rate_ || one.rate.limited();
        all_.push_back(std::move(one));
    }
    for (const One& one : before)
        if (one.holds()) roomy.push_back(one.number);
    judge(roomy);
    return roomy;
}

std::optional<Watch> PublisherBounds::take_watch() {
    Watch next{.version = watch_.version + 1, .all = {}};
    for (const One& one : all_) next.all.push_back({one.settings.channels, one.owner});
    if (next.all == watch_.all) return std::nullopt;
    return watch_ = std::move(next);
}

std::vector<std::uint32_t> PublisherBounds::on_watched(const Watched& watched) {
    if (watched.version != watch_.version) return {};  // of other bounds: the next one is coming
    BUS_ASSERT(watched.all.size() == all_.size());
    for (std::size_t at = 0; at < all_.size(); ++at) all_[at].waits = watched.all[at];
    std::vector<std::uint32_t> roomy;
    judge(roomy);
    return roomy;
}

// One that was reached lets go when whole windows fit in again, or it would be reached at once.
void PublisherBounds::judge(std::vector<std::uint32_t>& roomy) {
    any_reached_ = false;
    for (One& one : all_) {
        const auto was = std::exchange(one.reached, judged(one));
        if (was != One::Reached::no && one.reached == One::Reached::no && !one.rate_holds)
            roomy.push_back(one.number);
        any_reached_ = any_reached_ || one.reached != One::Reached::no;
    }
}

std::vector<std::uint32_t> PublisherBounds::release(Time now) {
    std::vector<std::uint32_t> free;
    for (One& one : all_) {
        if (!one.rate_holds || (one.rate.limited() && one.goes_on_at() > now)) continue;
        one.rate_holds = false;
        if (one.reached == One::Reached::no) free.push_back(one.number);
    }
    return free;
}

Time PublisherBounds::next_release() const {
    Time next = never;
    for (const One& one : all_)
        if (one.rate_holds) next = std::min(next, one.rate.limited() ? one.goes_on_at() : Time{});
    return next;
}

const One* PublisherBounds::find(std::uint32_t number) const {
    const auto found = std::find_if(all_.begin(), all_.end(),
                                    [&](const One& one) { return one.number == number; });
    return found == all_.end() ? nullptr : &*found;
}

}  // namespace bus::core
