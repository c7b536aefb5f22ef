#include "core/channel_bounds.h"

#include <utility>

#include "base/assert.h"
#include "core/holds.h"

namespace bus::core {

std::vector<std::uint32_t> ChannelBounds::replace(const std::vector<ChannelSettings>& bounds) {
    std::vector<One> before = std::exchange(all_, {});
    for (const ChannelSettings& bound : bounds) {
        if (bound.waiting == Bound{}) continue;
        const auto same = std::find_if(before.begin(), before.end(), [&](const One& one) {
            return one.settings.channels == bound.channels;
        });
        if (same == before.end()) {
            all_.push_back({.number = ++last_number_, .settings = bound});
            continue;
        }
        same->settings = bound;
        all_.push_back(std::move(*same));
        before.erase(same);
    }
    std::vector<std::uint32_t> roomy;
    for (const One& one : before)
        if (one.reached) roomy.push_back(one.number);
    judge(roomy);
    return roomy;
}

std::optional<Watch> ChannelBounds::take_watch() {
    Watch next{.version = watch_.version + 1, .filters = {}};
    for (const One& one : all_) next.filters.push_back(one.settings.channels);
    if (next.filters == watch_.filters) return std::nullopt;
    return watch_ = std::move(next);
}

std::vector<std::uint32_t> ChannelBounds::on_watched(const Watched& watched) {
    if (watched.version != watch_.version) return {};  // of other bounds: the next one is coming
    BUS_ASSERT(watched.bytes.size() == all_.size());
    for (std::size_t at = 0; at < all_.size(); ++at) all_[at].bytes = watched.bytes[at];
    std::vector<std::uint32_t> roomy;
    judge(roomy);
    return roomy;
}

// One that was reached lets go when whole windows fit in again, or it would be reached at once.
void ChannelBounds::judge(std::vector<std::uint32_t>& roomy) {
    any_reached_ = false;
    for (One& one : all_) {
        const auto most = one.settings.waiting.bytes;
        const auto low = room_again(most);
        const bool is_reached = most > 0 && one.bytes >= (one.reached ? low : most);
        if (std::exchange(one.reached, is_reached) && !is_reached) roomy.push_back(one.number);
        any_reached_ = any_reached_ || is_reached;
    }
}

const ChannelBounds::One* ChannelBounds::find(std::uint32_t number) const {
    const auto found = std::find_if(all_.begin(), all_.end(),
                                    [&](const One& one) { return one.number == number; });
    return found == all_.end() ? nullptr : &*found;
}

}  // namespace bus::core
