#include "core/interest.h"

#include "base/assert.h"
#include "base/mutation.h"

namespace bus::core {

using wire::InterestItem;
using wire::LinkInterest;

InterestKey key_of(const InterestItem& item) {
    return {item.kind, item.name, item.group, item.filter};
}

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

void PeerInterest::join(FiltersOf<Remote>& all, Remote& whose) {
    all_ = &all;
    whose_ = &whose;
    for (const auto& [key, item] : items_) add_filter(item);
}

void PeerInterest::leave() {
    for (const auto& [key, item] : items_) remove_filter(item);
    all_ = nullptr;
}

void PeerInterest::add_filter(const InterestItem& item) {
    if (all_ != nullptr && item.group.empty()) all_->add(item.kind, item.filter, *whose_);
}

void PeerInterest::remove_filter(const InterestItem& item) {
    if (all_ != nullptr && item.group.empty()) all_->remove(item.kind, item.filter, *whose_);
}

// true: it was not known, or it was thought lost.
bool PeerInterest::insert(const InterestItem& item) {
    const auto key = key_of(item);
    removed_.erase(key);
    recovered_.erase(key);
    const bool is_new = items_.emplace(key, item).second;
    if (is_new) add_filter(item);
    const bool was_lost = lost_.erase(key) > 0;
    if (is_new || was_lost) digest_ ^= wire::digest(item);
    return is_new || was_lost;
}

bool PeerInterest::erase(const InterestItem& item) {
    const auto key = key_of(item);
    if (item.durable && removed_.size() < limits::tombstones_max) removed_.emplace(key, item);
    recovered_.erase(key);
    const auto found = items_.find(key);
    if (found == items_.end()) return false;
    if (lost_.erase(key) == 0) digest_ ^= wire::digest(found->second);
    remove_filter(item);
    items_.erase(found);
    return true;
}

std::vector<InterestItem> PeerInterest::snapshot() const {
    std::vector<InterestItem> said;
    for (const auto& [key, item] : items_) {
        if (lost_.contains(key)) continue;
        said.push_back(item);
        said.back().op = InterestItem::Op::add;
    }
    for (const auto& [key, item] : removed_) {
        said.push_back(item);
        said.back().op = InterestItem::Op::remove;
    }
    return said;
}

std::optional<PeerInterest::Change> PeerInterest::apply(const LinkInterest& frame,
                                                        const AgentId& by, Teller teller) {
    switch (frame.part) {
        case LinkInterest::Part::snapshot_more:
        case LinkInterest::Part::snapshot_last:
            for (const auto& item : frame.items) staged_[by].insert_or_assign(key_of(item), item);
            if (frame.part == LinkInterest::Part::snapshot_more) return std::nullopt;
            version_ = frame.version;
            synchronised_ = true;
            {
                auto staged = std::move(staged_[by]);
                staged_.erase(by);
                return replace_by(std::move(staged), teller);
            }
        case LinkInterest::Part::change: {
            Change change;
            if (!synchronised_) return change;
            version_ = frame.version;
            for (const auto& item : frame.items) {
                if (item.op == InterestItem::Op::add && insert(item))
                    change.added.push_back(item);
                else if (item.op == InterestItem::Op::remove && erase(item))
                    change.removed.push_back(item);
            }
            return change;
        }
        case LinkInterest::Part::give_back:
            break;  // the owner's side handles it
    }
    return Change{};
}

std::vector<InterestItem> PeerInterest::stop_waiting() {
    std::vector<InterestItem> ended;
    for (const auto& key : std::exchange(recovered_, {}))
        if (lost_.contains(key)) ended.push_back(items_.at(key));
    for (const auto& item : ended) erase(item);
    return ended;
}

PeerInterest::Change PeerInterest::replace_by(Items staged, Teller teller) {
    Change change;
    std::vector<InterestItem> gone, kept;
    for (const auto& [key, item] : items_) {
        const auto still = staged.find(key);
        const bool removed = still != staged.end() && still->second.op == InterestItem::Op::remove;
        if (still != staged.end() && !removed) continue;
        // Absence ends what lived with a session, never what is durable.
        if (item.durable && !removed && !mutated(Mutation::snapshot_ends_durable))
            change.give_back.push_back(item);
        else if (teller == Teller::relay && recovered_.contains(key))
            kept.push_back(item);
        else
            gone.push_back(item);
    }
    for (const auto* items : {&change.give_back, &kept})
        for (const auto& item : *items)
            if (lost_.insert(key_of(item)).second) digest_ ^= wire::digest(item);
    for (const auto& item : gone) {
        erase(item);
        change.removed.push_back(item);
    }
    for (const auto& [key, item] : staged) {
        if (item.op == InterestItem::Op::remove)
            removed_.emplace(key, item);
        else if (insert(item))
            change.added.push_back(item);
    }
    return change;
}

}  // namespace bus::core
