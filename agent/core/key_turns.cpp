#include "core/key_turns.h"

#include <limits>

#include "base/mutation.h"

namespace bus::core {

bool KeyTurns::enter(Key key, const Place& place) {
    if (mutated(Mutation::key_overtaken)) return true;
    const auto [line, first] = lines_.try_emplace(key);
    if (first) {
        out_.emplace(place, key);
        return true;
    }
    waiting_ += line->second.insert(place).second ? 1 : 0;
    return false;
}

std::optional<KeyTurns::Next> KeyTurns::leave(const Place& place) {
    const auto gone = out_.find(place);
    if (gone == out_.end()) return std::nullopt;
    const Key key = gone->second;
    out_.erase(gone);
    const auto line = lines_.find(key);
    auto& behind = line->second;
    if (behind.empty()) {
        lines_.erase(line);
        return std::nullopt;
    }
    const Place next = *behind.begin();
    behind.erase(behind.begin());
    --waiting_;
    out_.emplace(next, key);
    return Next{next, key};
}

std::vector<KeyTurns::Next> KeyTurns::leave_all(BatchId batch) {
    const Place first{batch, 0}, last{batch, std::numeric_limits<std::uint32_t>::max()};
    for (auto& [key, behind] : lines_) {
        const auto from = behind.lower_bound(first), to = behind.upper_bound(last);
        for (auto at = from; at != to; ++at) --waiting_;
        behind.erase(from, to);
    }
    std::vector<Place> ended;
    for (auto at = out_.lower_bound(first); at != out_.end() && at->first <= last; ++at)
        ended.push_back(at->first);
    std::vector<Next> next;
    for (const Place& place : ended)
        if (const auto now = leave(place)) next.push_back(*now);
    return next;
}

KeyTurns::Key KeyTurns::key_of(const Place& place) const {
    const auto found = out_.find(place);
    return found == out_.end() ? 0 : found->second;
}

std::vector<KeyTurns::Place> KeyTurns::take_waiting() {
    std::vector<Place> all;
    for (auto& [key, behind] : lines_) {
        all.insert(all.end(), behind.begin(), behind.end());
        behind.clear();
    }
    waiting_ = 0;
    return all;
}

void KeyTurns::clear() {
    lines_.clear();
    out_.clear();
    waiting_ = 0;
}

}  // namespace bus::core
