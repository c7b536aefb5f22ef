#include "core/interest.h"

#include "base/assert.h"
#include "base/mutation.h"

namespace bus::core {

using wire::InterestItem;
using wire::LinkInterest;

InterestKey key_of(const InterestItem& item) { return {item.kind, item.name, item.filter}; }

// ---- OwnInterest ---------------------------------------------------------------------------

void OwnInterest::add(const InterestItem& item) {
    auto& wanted = wanted_[key_of(item)];
    if (wanted.times++ > 0) return;
    wanted.item = item;
    wanted.item.op = InterestItem::Op::add;
    changes_.push_back(wanted.item);
    digest_ ^= wire::digest(item);
    ++version_;
}

void OwnInterest::remove(const InterestItem& item) {
    const auto found = wanted_.find(key_of(item));
    BUS_ASSERT(found != wanted_.end());
    if (--found->second.times > 0) return;
    digest_ ^= wire::digest(found->second.item);
    changes_.push_back(found->second.item);
    changes_.back().op = InterestItem::Op::remove;
    wanted_.erase(found);
    ++version_;
}

std::vector<InterestItem> OwnInterest::snapshot() const {
    std::vector<InterestItem> items;
    items.reserve(wanted_.size());
    for (const auto& [key, wanted] : wanted_) items.push_back(wanted.item);
    return items;
}

// ---- PeerInterest ----------------------------------------------------------------------------

void PeerInterest::insert(const InterestItem& item) {
    const auto [at, is_new] = items_.emplace(key_of(item), item);
    if (is_new) digest_ ^= wire::digest(item);
}

bool PeerInterest::erase(const InterestItem& item) {
    const auto found = items_.find(key_of(item));
    if (found == items_.end()) return false;
    digest_ ^= wire::digest(found->second);
    items_.erase(found);
    return true;
}

std::optional<PeerInterest::Change> PeerInterest::apply(const LinkInterest& frame) {
    switch (frame.part) {
        case LinkInterest::Part::snapshot_more:
        case LinkInterest::Part::snapshot_last:
            for (const auto& item : frame.items) staged_.insert_or_assign(key_of(item), item);
            if (frame.part == LinkInterest::Part::snapshot_more) return std::nullopt;
            version_ = frame.version;
            synchronised_ = true;
            return replace_by_staged();
        case LinkInterest::Part::change: {
            Change change;
            if (!synchronised_) return change;
            version_ = frame.version;
            for (const auto& item : frame.items) {
                if (item.op == InterestItem::Op::add && !items_.contains(key_of(item))) {
                    insert(item);
                    change.added.push_back(item);
                } else if (item.op == InterestItem::Op::remove && erase(item)) {
                    change.removed.push_back(item);
                }
            }
            return change;
        }
        case LinkInterest::Part::give_back:
            break;  // the owner's side handles it
    }
    return Change{};
}

PeerInterest::Change PeerInterest::replace_by_staged() {
    Change change;
    std::vector<InterestItem> gone;
    for (const auto& [key, item] : items_) {
        const auto still = staged_.find(key);
        const bool removed = still != staged_.end() && still->second.op == InterestItem::Op::remove;
        if (still != staged_.end() && !removed) continue;
        // Absence ends what lived with a session, never what is durable.
        if (item.durable && !removed && !mutated(Mutation::snapshot_ends_durable))
            change.give_back.push_back(item);
        else
            gone.push_back(item);
    }
    for (const auto& item : gone) {
        erase(item);
        change.removed.push_back(item);
    }
    for (const auto& [key, item] : staged_) {
        if (item.op != InterestItem::Op::add || items_.contains(key)) continue;
        insert(item);
        change.added.push_back(item);
    }
    staged_.clear();
    return change;
}

bool PeerInterest::wants(wire::Kind kind, std::string_view channel) const {
    for (const auto& [key, item] : items_)
        if (item.kind == kind && wire::matches(item.filter, channel)) return true;
    return false;
}

}  // namespace bus::core
