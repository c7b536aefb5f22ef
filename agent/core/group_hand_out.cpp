// Who gets what: the lanes in turn, and of what is at their front a range for
// each consumer with room.

#include "core/group.h"

#include <algorithm>

namespace bus::core {

// What is of no use to anybody without what went before it ends here.
Entry* Group::front_of(Run& lane) {
    while (Entry* const front = lane.front()) {
        const auto& header = front->batch().header();
        if (overdue_.take(header, false))
            rests_.push_back(lane.pop());
        else if (is_moot(header))
            settle_alone(lane.pop());
        else
            return front;
    }
    return nullptr;
}

void Group::hand_out(Effects& effects) {
    free_again_ = never;
    for (Consumer& consumer : consumers_) take_back_overdue(consumer);
    while (!resting_.empty() && resting_.begin()->first <= keeper_.now()) {
        ready_.insert(resting_.begin()->second);
        resting_.erase(resting_.begin());
    }
    while (hand_out_one(effects)) {
    }
}

// The lane whose turn it is among those with something at their front.
Run* Group::next_lane() {
    const auto lane = lanes_.next([&](wire::Lane one) { return front_of(run(one)) != nullptr; });
    if (!lane) return nullptr;
    lanes_.pass(*lane);
    return &run(*lane);
}

bool Group::take_from_runs() {
    while (Run* const lane = next_lane()) {
        const LargeMessage* const begun = large_.find(lane->front()->batch().header());
        if (begun != nullptr && begun->peer != nullptr) return false;  // a peer gets the rest
        Entry entry = lane->pop();
        if (is_expired(entry)) {
            keeper_.settle(entry, keeper_.expire(entry));
            continue;
        }
        const std::uint32_t done = entry.owed().done;
        const std::uint32_t rest = entry.messages() - done;
        LargeMessage* const large = note_part(entry);
        keeper_.handed_out(entry);
        const BatchId batch = entry.id();
        ready_.emplace(WorkKey{batch, done}, Work{.count = rest});
        out_.emplace(batch, Out{.entry = std::move(entry), .remaining = rest, .large = large});
        return true;
    }
    return false;
}

// A new batch may be begun: somebody has room, and not too much is put off.
bool Group::may_begin() {
    if (consumers_.empty() || resting_.size() >= limits::put_off_max) return false;
    if (!large_.empty()) return true;
    const Time now = keeper_.now();
    for (const Consumer& consumer : consumers_) {
        if (consumer.is_free(now)) return true;
        if (consumer.has_room()) free_again_ = std::min(free_again_, consumer.free_at(false));
    }
    return false;
}

bool Group::hand_out_one(Effects& effects) {
    if (ready_.empty() && (!may_begin() || !take_from_runs())) return false;
    const auto [key, work] = *ready_.begin();
    const auto at = out_.find(key.first);
    BUS_ASSERT(at != out_.end());
    Out& out = at->second;
    if (!out.entry.batch()) {
        recall(out.entry);
        return false;
    }
    Consumer* const consumer = consumer_for(out, work.suspect);
    if (consumer == nullptr) return false;
    ready_.erase(ready_.begin());
    if (work.attempt > 1 && is_expired(out.entry)) {
        expire(at, key.second, work.count);
        return true;
    }
    Work given = work;
    given.count = share(*consumer, out, work);
    if (given.count < work.count) {
        Work rest = work;
        rest.count -= given.count;
        ready_.emplace(WorkKey{key.first, key.second + given.count}, rest);
    }
    deliver(*consumer, out, key.second, given, effects);
    return true;
}

void Group::expire(std::map<BatchId, Out>::iterator at, std::uint32_t first, std::uint32_t count) {
    Out& out = at->second;
    if (keeper_.expire(out.entry, first, count) == Settlement::dead_lettered)
        out.buried += count;
    else
        out.how = Settlement::expired;
    out.remaining -= count;
    if (out.remaining == 0) settle(at);
}

// All parts of a message go to one consumer, whatever room it has: it cannot acknowledge, and so
// not make room, before it has the last.
Consumer* Group::consumer_for(const Out& out, bool suspect) {
    if (out.large != nullptr && out.large->consumer) return find(*out.large->consumer);
    const Time now = keeper_.now();
    for (std::size_t tried = 0; tried < consumers_.size(); ++tried) {
        Consumer& consumer = consumers_[next_consumer_++ % consumers_.size()];
        if (!consumer.has_room()) continue;
        if (!consumer.is_free(now) || consumer.room(suspect, now) == 0) {
            free_again_ = std::min(free_again_, consumer.free_at(suspect));
            continue;
        }
        if (out.large != nullptr) out.large->consumer = consumer.id();
        return &consumer;
    }
    return nullptr;
}

// An even share of the batch for each consumer that has room.
std::uint32_t Group::share(Consumer& consumer, const Out& out, const Work& work) {
    if (out.large != nullptr) return work.count;
    const Time now = keeper_.now();
    std::uint32_t with_room = 0;
    for (const Consumer& other : consumers_) with_room += other.is_free(now) ? 1 : 0;
    const std::uint32_t even = (out.entry.messages() + with_room - 1) / std::max(1u, with_room);
    return std::max(1u, std::min({work.count, consumer.room(work.suspect, now), even}));
}

void Group::deliver(Consumer& consumer, const Out& out, std::uint32_t first, const Work& work,
                    Effects& effects) {
    const Entry& entry = out.entry;
    const Bytes body = entry.batch().body();
    const bool whole = first == 0 && work.count == entry.messages();
    const Bytes range = whole ? body : wire::cut_body(body, first, work.count);
    const auto begin = static_cast<std::uint32_t>(range.data() - body.data());

    // Nothing can be acknowledged before the last part is there, so none before it may take the
    // room that what stands between them needs.
    const auto& header = entry.batch().header();
    const bool takes_room = !header.part || header.part->index + 1 == header.part->total;
    const auto [tag, lease] = leases_.open(
        {.group = id(),
         .consumer = consumer.id(),
         .batch = entry.id(),
         .first = first,
         .count = work.count,
         .undecided = work.count,
         .bytes = takes_room ? range.size() : 0,
         .takes_room = takes_room,
         .attempt = work.attempt,
         .deliveries = work.deliveries,
         .deliveries_max = keeper_.policies.of(header.kind, header.channel).max_deliveries,
         .suspect = work.suspect,
         .since = keeper_.now()});
    consumer.take(tag, *lease, keeper_.now());

    const bool again =
        work.attempt > 1 || entry.has(entry_flag::redelivered) || entry.custody->recovered;
    wire::Envelope envelope{.flags = again ? wire::envelope_flag::redelivered : std::uint16_t{0},
                            .attempt = work.attempt,
                            .number = tag,
                            .lifetime_millis = keeper_.lifetime_left(*entry.custody),
                            .first = first,
                            .messages = work.count,
                            .consumer = consumer.id().id};
    effects.to_apps.push_back(
        {consumer.id().session, SendBatch{envelope, entry.batch(), begin,
                                          begin + static_cast<std::uint32_t>(range.size())}});
    if (out.large == nullptr) return;
    out.large->moved = keeper_.now();
    keeper_.spare_bytes(entry);
}

}  // namespace bus::core
