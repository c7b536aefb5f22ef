// A queue that is kept here: whose turn it is among messages of one key, and
// which consumer has that key.

#include <functional>

#include "core/group.h"
#include "wire/standard_headers.h"

namespace bus::core {

namespace {

KeyTurns::Key hash_of(std::string_view key) {
    return std::max<KeyTurns::Key>(1, std::hash<std::string_view>{}(key));
}

// A hash of both, so that of many keys each consumer has its share, and all but those of who comes
// or goes stay where they are (rendezvous hashing).
std::uint64_t weight(KeyTurns::Key key, const ConsumerId& consumer) {
    std::uint64_t mixed =
        key ^ (consumer.session.value * 0x9e3779b97f4a7c15u) ^ (consumer.id * 0xc2b2ae3d27d4eb4fu);
    mixed = (mixed ^ (mixed >> 30u)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27u)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31u);
}

}  // namespace

// What has a key is handed out singly, when it is its turn; what has none as ever. What waits for
// many before it needs no memory for its bytes.
void Group::line_up(const Entry& entry) {
    const std::uint32_t done = entry.owed().done;
    std::uint32_t plain = done, at = done;
    const auto end_plain = [&] {
        if (at > plain) ready_.emplace(WorkKey{entry.id(), plain}, Work{.count = at - plain});
    };
    const auto& header = entry.batch().header();
    wire::MessageWalk walk{wire::cut_body(entry.batch().body(), done, entry.messages() - done),
                           header.sequence + done, wire::MessageWalk::Check::form};
    bool waits = false;
    for (; const auto message = walk.next(); ++at) {
        const auto key = wire::find_header(message->headers, wire::header_key::key);
        if (!key || key->empty()) continue;
        end_plain();
        plain = at + 1;
        const KeyTurns::Key hash = hash_of(*key);
        if (turns_.enter(hash, {entry.id(), at}))
            go_on({{entry.id(), at}, hash});
        else
            waits = true;
    }
    at = entry.messages();
    end_plain();
    if (waits && turns_.waiting() > limits::keys_waiting_in_memory) keeper_.spare_bytes(entry);
}

void Group::go_on(const KeyTurns::Next& next) {
    ready_.emplace(next.place, Work{.count = 1, .key = next.key});
}

void Group::pass_turn(const WorkKey& decided) {
    if (turns_.empty()) return;
    if (const auto next = turns_.leave(decided)) go_on(*next);
}

void Group::forget_turns(BatchId batch) {
    for (auto& [consumer, works] : parked_)
        std::erase_if(works, [&](const auto& work) { return work.first.first == batch; });
    if (turns_.empty()) return;
    for (const auto& next : turns_.leave_all(batch)) go_on(next);
}

Consumer* Group::consumer_of(KeyTurns::Key key) {
    const auto best = std::max_element(consumers_.begin(), consumers_.end(),
                                       [&](const Consumer& one, const Consumer& other) {
                                           return weight(key, one.id()) < weight(key, other.id());
                                       });
    return best == consumers_.end() ? nullptr : &*best;
}

// The key waits, not the queue.
bool Group::park(WorkKey at, const Work& work, Consumer& consumer) {
    const Time now = keeper_.now();
    if (consumer.is_free(now) && consumer.room(work.suspect, now) > 0) return false;
    if (consumer.has_room()) free_again_ = std::min(free_again_, consumer.free_at(work.suspect));
    if (parked() > limits::keys_waiting_in_memory) keeper_.spare_bytes(out_.at(at.first).entry);
    parked_[consumer.id()].emplace(at, work);
    ready_.erase(at);
    return true;
}

std::size_t Group::parked() const {
    std::size_t count = 0;
    for (const auto& [consumer, works] : parked_) count += works.size();
    return count;
}

// All that waited for others of its key goes on without.
void Group::dissolve_lines() {
    for (const auto& [consumer, works] : parked_) ready_.insert(works.begin(), works.end());
    parked_.clear();
    for (const auto& place : turns_.take_waiting()) ready_.emplace(place, Work{.count = 1});
    turns_.clear();
    for (auto& [at, work] : ready_) work.key = 0;
    for (auto& [when, rest] : resting_) rest.second.key = 0;
}

void Group::stop(ConsumerId id, bool stopped) {
    if (Consumer* const consumer = find(id)) consumer->stop(stopped);
}

void Group::return_parked() {
    for (auto at = parked_.begin(); at != parked_.end();) {
        Consumer* const consumer = find(at->first);
        auto& works = at->second;
        auto last = works.end();
        if (consumer != nullptr) {
            const Time now = keeper_.now();
            const std::size_t room = consumer->is_free(now) ? consumer->room(false, now) : 0;
            last =
                std::next(works.begin(), static_cast<std::ptrdiff_t>(std::min(room, works.size())));
        }
        for (auto work = works.begin(); work != last; work = works.erase(work))
            ready_.emplace(work->first, work->second);
        at = works.empty() ? parked_.erase(at) : std::next(at);
    }
}

}  // namespace bus::core
