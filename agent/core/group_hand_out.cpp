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
        else if (lapsed_.contains(header)) {
            lapsed_.note_left(header);
            keeper_.settle(lane.pop(), Settlement::lapsed);
        } else if (is_moot(header))
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
    if (is_paused()) return;
    return_parked();
    do
        while (hand_out_one(effects) || look_behind()) {
        }
    while (hand_out_ahead(effects));
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
        // What is newer overtook it, in another lane or by another way.
        if (const auto& header = entry.batch().header();
            wire::is_late_joiner(header.group) && last_given_ && !last_given_->is_news(header)) {
            keeper_.settle(entry, Settlement::filtered);
            continue;
        }
        const std::uint32_t done = entry.owed().done;
        const std::uint32_t rest = entry.messages() - done;
        LargeMessage* const large = note_part(entry);
        keeper_.handed_out(entry);
        const BatchId batch = entry.id();
        out_.emplace(batch, Out{.entry = std::move(entry), .remaining = rest, .large = large});
        if (large != nullptr && waits_ahead(*large))
            wait_ahead(*large, batch, {.count = rest});
        else if (is_keyed() && large == nullptr)
            line_up(out_.at(batch).entry);
        else
            ready_.emplace(WorkKey{batch, done}, Work{.count = rest});
        return true;
    }
    return false;
}

// A new batch may be begun: somebody has room, and not too much is put off.
bool Group::may_begin() {
    if (consumers_.empty() || resting_.size() + turns_.waiting() + parked() >= limits::put_off_max)
        return false;
    if (!large_.empty()) return true;
    const Time now = keeper_.now();
    for (const Consumer& consumer : consumers_) {
        if (consumer.is_free(now)) return true;
        if (consumer.has_room()) free_again_ = std::min(free_again_, consumer.free_at(false));
        if (is_exclusive()) break;
    }
    return false;
}

bool Group::hand_out_one(Effects& effects) {
    if (ready_.empty() && (!may_begin() || !take_from_runs())) return false;
    if (ready_.empty()) return true;  // it waits ahead, or for its key
    const auto [key, work] = *ready_.begin();
    const auto at = out_.find(key.first);
    BUS_ASSERT(at != out_.end());
    Out& out = at->second;
    if (out.large != nullptr && out.large->consumer && waits_ahead(*out.large)) {
        ready_.erase(ready_.begin());
        wait_ahead(*out.large, key.first, work);
        return true;
    }
    if (!out.entry.batch()) {
        recall(out.entry);
        return false;
    }
    Consumer* const consumer =
        work.key != 0 ? consumer_of(work.key) : consumer_for(out, work.suspect);
    if (consumer == nullptr) return false;
    if (work.key != 0 && park(key, work, *consumer)) return true;
    ready_.erase(ready_.begin());
    if (is_expired(out.entry)) {
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
        out.apart.buried += count;
    else
        out.how = Settlement::expired;
    out.remaining -= count;
    const BatchId batch = at->first;
    if (out.remaining == 0) settle(at);
    pass_turn({batch, first});
}

void Group::give_up_waiting(bool pinned) {
    // What comes again may have been carried out before.
    const auto may_have_begun = [](const Entry& entry) {
        return entry.has(entry_flag::redelivered) || entry.has(entry_flag::rerouted);
    };
    const auto stays = [&](const Entry& entry) { return pinned && !entry.has(entry_flag::pinned); };
    for (Run& lane : runs_)
        while (lane.front() != nullptr && !stays(*lane.front())) {
            const Entry entry = lane.pop();
            unanswered_.push_back({entry, 0, entry.messages(), may_have_begun(entry)});
            keeper_.settle(entry, Settlement::purged);
        }
    for (auto next = ready_.begin(); next != ready_.end();) {
        const auto at = out_.find(next->first.first);
        Out& out = at->second;
        if (stays(out.entry)) {
            ++next;
            continue;
        }
        unanswered_.push_back(
            {out.entry, next->first.second, next->second.count, may_have_begun(out.entry)});
        out.how = Settlement::purged;
        out.remaining -= next->second.count;
        next = ready_.erase(next);
        if (out.remaining == 0) settle(at);
    }
}

// All parts of a message go to one consumer, whatever room it has: it cannot acknowledge, and so
// not make room, before it has the last. (One that reads them singly can: group_parts.cpp.)
Consumer* Group::consumer_for(const Out& out, bool suspect) {
    if (out.large != nullptr && out.large->consumer) {
        Consumer* const consumer = find(*out.large->consumer);
        return consumer->is_stopped() ? nullptr : consumer;
    }
    const Time now = keeper_.now();
    const std::size_t candidates =
        is_exclusive() ? std::min<std::size_t>(1, consumers_.size()) : consumers_.size();
    for (std::size_t tried = 0; tried < candidates; ++tried) {
        Consumer& consumer = consumers_[is_exclusive() ? 0 : next_consumer_++ % candidates];
        if (!consumer.has_room()) continue;
        if (!consumer.is_free(now) || consumer.room(suspect, now) == 0) {
            free_again_ = std::min(free_again_, consumer.free_at(suspect));
            continue;
        }
        if (out.large != nullptr) {
            out.large->consumer = consumer.id();
            out.large->rests = false;
        }
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
    if (is_exclusive()) with_room = 1;
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
    const bool as_part = header.part && consumer.by_parts();
    const auto [tag, lease] = leases_.open(
        {.group = id(),
         .consumer = consumer.id(),
         .batch = entry.id(),
         .first = first,
         .count = work.count,
         .undecided = work.count,
         .bytes = takes_room && !as_part ? range.size() : 0,
         .part_bytes = as_part ? range.size() : 0,
         .takes_room = takes_room,
         .attempt = work.attempt,
         .deliveries = work.deliveries,
         .deliveries_max = keeper_.policies.of(header.kind, header.channel).max_deliveries,
         .suspect = work.suspect,
         .since = keeper_.now()});
    consumer.take(tag, *lease, keeper_.now());
    if (last_given_) last_given_->note(header);

    const bool again =
        work.attempt > 1 || entry.has(entry_flag::redelivered) || entry.custody->recovered;
    std::uint16_t flags = again ? wire::envelope_flag::redelivered : std::uint16_t{0};
    keeper_.steps.note([&] {
        return Event{.kind = again ? Event::Kind::batch_redelivered : Event::Kind::batch_handed_out,
                     .at = keeper_.now(),
                     .subject = {},
                     .words = {},
                     .messages = work.count,
                     .batch = entry.batch(),
                     .destination = id(),
                     .first = first,
                     .session = consumer.id().session,
                     .attempt = work.attempt};
    });
    if (wire::is_late_joiner(header.group)) flags |= wire::envelope_flag::retained;
    wire::Envelope envelope{.flags = flags,
                            .attempt = work.attempt,
                            .number = tag,
                            .lifetime_millis = keeper_.lifetime_left(*entry.custody),
                            .first = first,
                            .messages = work.count,
                            .consumer = consumer.id().id};
    auto& to = is_elsewhere(consumer.id().session) ? for_elsewhere_ : effects.to_apps;
    to.push_back(
        {consumer.id().session, SendBatch{envelope, entry.batch(), begin,
                                          begin + static_cast<std::uint32_t>(range.size())}});
    if (out.large == nullptr) return;
    out.large->moved = keeper_.now();
    keeper_.spare_bytes(entry);
}

}  // namespace bus::core
