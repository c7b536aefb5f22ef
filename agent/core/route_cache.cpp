#include "core/route_cache.h"

#include <utility>

namespace bus::core {
namespace {

std::uint32_t hash_of(wire::Kind kind, std::string_view channel) {
    return static_cast<std::uint32_t>(wire::channel_hash(kind, channel));
}

}  // namespace

std::uint32_t RouteCache::find(std::uint32_t hash, wire::Kind kind,
                               std::string_view channel) const {
    return table_.find(hash, [&](std::uint32_t at) {
        const auto& known = kept_[at].route.channel;
        return known.kind == kind && known.name == channel;
    });
}

const Route* RouteCache::find(wire::Kind kind, std::string_view channel) {
    const auto at = find(hash_of(kind, channel), kind, channel);
    if (at == IndexTable::none) return nullptr;
    Kept& kept = kept_[at];
    kept.used = true;
    return kept.checked == changes_ || is_valid(kept) ? &kept.route : nullptr;
}

bool RouteCache::is_valid(Kept& kept) const {
    if (kept.checked < valid_from_ || changes_ - kept.checked > changes_kept) return false;
    for (auto change = kept.checked + 1; change <= changes_; ++change) {
        const Change& one = latest_[change % changes_kept];
        const auto& channel = kept.route.channel;
        if (one.kind == channel.kind && wire::matches(one.filter, channel.name)) return false;
    }
    kept.checked = changes_;
    return true;
}

Route& RouteCache::renew(wire::Kind kind, std::string_view channel) {
    const auto hash = hash_of(kind, channel);
    auto at = find(hash, kind, channel);
    if (at == IndexTable::none) {
        at = make_room();
        kept_[at].hash = hash;
        kept_[at].route.channel.kind = kind;
        kept_[at].route.channel.name = channel;
        table_.insert(hash, at);
    }
    Kept& kept = kept_[at];
    kept.checked = changes_;
    // Their memory is kept.
    kept.route.groups.clear();
    kept.route.own.clear();
    kept.route.remotes.clear();
    kept.route.denied.clear();
    return kept.route;
}

// The hand goes round: what was used since it last came by is passed over once. What was asked for
// only once is not counted as used: many channels of one message each push out none that is.
std::uint32_t RouteCache::make_room() {
    if (kept_.size() < max_) {
        kept_.emplace_back();
        return static_cast<std::uint32_t>(kept_.size() - 1);
    }
    const auto step = [&] { return std::exchange(hand_, (hand_ + 1) % kept_.size()); };
    auto at = step();
    while (std::exchange(kept_[at].used, false)) at = step();
    table_.erase(kept_[at].hash, at);
    return at;
}

void RouteCache::note_change(wire::Kind kind, std::string_view filter) {
    Change& change = latest_[++changes_ % changes_kept];
    change.kind = kind;
    change.filter = filter;
}

}  // namespace bus::core
