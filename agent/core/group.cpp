#include "core/group.h"

#include <algorithm>

#include "base/mutation.h"

namespace bus::core {

using wire::Lane;

namespace {

// Strict priorities starve: of seven turns four are high, two normal, one low.
constexpr std::array<std::uint8_t, 7> lane_turns{0, 1, 0, 2, 0, 1, 0};

template <std::size_t... I>
std::array<Run, sizeof...(I)> runs_of(DestinationId id, std::index_sequence<I...>) {
    return {Run{StreamId{id, static_cast<Lane>(I)}}...};
}

// The lane whose turn it is among those with something at their front.
std::optional<std::size_t> next_lane(std::array<Run, wire::lane_count>& runs, std::uint32_t& turn) {
    for (std::size_t tried = 0; tried < lane_turns.size(); ++tried) {
        const std::size_t lane = lane_turns[turn++ % lane_turns.size()];
        if (runs[lane].front() != nullptr) return lane;
    }
    return std::nullopt;
}

}  // namespace

Group::Group(Destination destination, Keeper& keeper, Leases& leases)
    : destination_(std::move(destination)),
      keeper_(keeper),
      leases_(leases),
      runs_(runs_of(destination_.id, std::make_index_sequence<wire::lane_count>{})) {}

// ---- What it is owed -----------------------------------------------------------------

void Group::offer(Entry entry) { run(entry.batch().header().lane).push(std::move(entry)); }

bool Group::offer_now(const std::shared_ptr<Custody>& custody, std::uint16_t slot,
                      Effects& effects) {
    if (!ready_.empty()) return false;
    for (Consumer& consumer : consumers_) {
        if (!consumer.has_room()) continue;
        Out out{.entry = Entry{custody, slot}};
        deliver(consumer, out, 0, custody->batch.messages(), 1, effects);
        return true;
    }
    return false;
}

Entry* Group::for_peer(PartHomes::Taker taker) {
    if (!is_queue() || !ready_.empty()) return nullptr;
    const bool room_here = std::any_of(consumers_.begin(), consumers_.end(),
                                       [](const Consumer& one) { return one.has_room(); });
    for (Run& lane : runs_) {
        Entry* const front = lane.front();
        if (front == nullptr || front->owed().done > 0) continue;
        // Its own host first, but for the rest of a message whose beginning the peer has.
        if (room_here && !begun_by(*front, taker)) continue;
        if (may_go_to_peer(*front, taker)) return front;
    }
    return nullptr;
}

bool Group::begun_by(const Entry& entry, PartHomes::Taker taker) {
    const auto& header = entry.batch().header();
    if (!header.part) return false;
    const PartHomes::Home* const home = part_homes_.find(header);
    return home != nullptr && home->peer == taker;
}

bool Group::may_go_to_peer(const Entry& entry, PartHomes::Taker taker) {
    const bool pinned = entry.has(entry_flag::pinned);
    const auto& header = entry.batch().header();
    if (!header.part)
        return !pinned || keeper_.now() - entry.custody->taken >= limits::queue_return_after;
    if (pinned) return false;
    const PartHomes::Home* const home = part_homes_.find(header);
    return home == nullptr || home->peer == taker;
}

Entry Group::take_for_peer(Lane lane, PartHomes::Taker taker) {
    Entry entry = run(lane).pop();
    const auto& header = entry.batch().header();
    if (!header.part) return entry;
    part_homes_.set(header, {.consumer = std::nullopt, .peer = taker});
    part_homes_.finish(header);
    unblocked = part_homes_.find(header) == nullptr;
    return entry;
}

// ---- Consumers -------------------------------------------------------------------------

void Group::join(Consumer consumer) {
    consumers_.push_back(std::move(consumer));
    linger_until = never;
}

Group::Consumer* Group::find(ConsumerId id) {
    for (Consumer& consumer : consumers_)
        if (consumer.id == id) return &consumer;
    return nullptr;
}

void Group::leave(ConsumerId id) {
    const auto at = std::find_if(consumers_.begin(), consumers_.end(),
                                 [&](const Consumer& consumer) { return consumer.id == id; });
    if (at == consumers_.end()) return;
    const Consumer gone = std::move(*at);
    consumers_.erase(at);
    for (const std::uint64_t tag : gone.tags) {
        Lease lease = *leases_.find(tag);
        leases_.close(tag);
        lease.decide(lease.first, lease.count, [&](std::uint32_t first, std::uint32_t count) {
            give_back(lease.batch, first, count, lease.attempt);
        });
    }
    part_homes_.leave(id);
}

Group::Decision Group::decide(const wire::Ack& ack) {
    Lease* const lease = leases_.find(ack.tag);
    if (lease == nullptr || lease->group != id()) return Decision::unknown;
    if (!lease->covers(ack.first, ack.count)) return Decision::malformed;
    Consumer* const consumer = find(lease->consumer);
    BUS_ASSERT(consumer != nullptr);
    lease->decide(ack.first, ack.count, [&](std::uint32_t first, std::uint32_t count) {
        if (lease->takes_room) consumer->messages_out -= count;
        switch (ack.verdict) {
            case wire::Verdict::ack:
                return acknowledge(lease->batch, first, count, lease->since);
            case wire::Verdict::reject:
                return bury(lease->batch, first, count, ack.reason);
            case wire::Verdict::nack:
                break;
        }
        if (ack.delay_millis == 0) return give_back(lease->batch, first, count, lease->attempt);
        if (out_.contains(lease->batch))
            delayed_.emplace(
                keeper_.now() + std::chrono::milliseconds{ack.delay_millis},
                std::pair{WorkKey{lease->batch, first},
                          Work{count, static_cast<std::uint16_t>(lease->attempt + 1)}});
    });
    if (lease->undecided == 0) {
        consumer->bytes_out -= lease->bytes;
        consumer->tags.erase(ack.tag);
        leases_.close(ack.tag);
    }
    return Decision::done;
}

void Group::give_back(BatchId batch, std::uint32_t first, std::uint32_t count,
                      std::uint16_t attempt) {
    if (!out_.contains(batch)) return;  // best effort
    const auto next = static_cast<std::uint16_t>(std::min<unsigned>(attempt + 1u, 0xffff));
    ready_.emplace(WorkKey{batch, first}, Work{count, next});
}

void Group::acknowledge(BatchId batch, std::uint32_t first, std::uint32_t count, Time since) {
    const auto at = out_.find(batch);
    if (at == out_.end()) return;  // best effort
    Out& out = at->second;
    out.remaining -= count;
    if (out.remaining == 0 || mutated(Mutation::one_consumer_settles)) {
        learn_settle_time(out.entry, since);
        return settle(at, Settlement::settled);
    }
    if (out.acknowledged.empty()) out.acknowledged.resize(out.entry.messages());
    for (std::uint32_t i = first; i < first + count; ++i) out.acknowledged[i] = true;
    std::uint32_t done = out.entry.owed().done;
    while (done < out.acknowledged.size() && out.acknowledged[done]) ++done;
    keeper_.progress(out.entry, done);
}

// From when it was taken, waiting included: a consumer that falls behind shows.
void Group::learn_settle_time(const Entry& entry, Time since) {
    last_settled_ = keeper_.now();
    settle_time_.sample(keeper_.now() - (entry.custody->read_back ? since : entry.custody->taken));
}

void Group::bury(BatchId batch, std::uint32_t first, std::uint32_t count,
                 const std::string& reason) {
    const auto at = out_.find(batch);
    if (at == out_.end()) return;
    keeper_.bury(
        at->second.entry, first, count,
        reason.empty() ? "rejected by its consumer" : "rejected by its consumer: " + reason);
    at->second.buried += count;
    acknowledge(batch, first, count, keeper_.now());
}

void Group::settle(std::map<BatchId, Out>::iterator at, Settlement how) {
    const auto& header = at->second.entry.batch().header();
    if (header.part) part_homes_.finish(header);
    keeper_.settle(at->second.entry, how, at->second.buried);
    out_.erase(at);
}

// ---- Hand-out ------------------------------------------------------------------------------

void Group::hand_out(Effects& effects) {
    while (!delayed_.empty() && delayed_.begin()->first <= keeper_.now()) {
        ready_.insert(delayed_.begin()->second);
        delayed_.erase(delayed_.begin());
    }
    while (hand_out_one(effects)) {
    }
}

// A part of a message that was for this host, whose beginning is not here any more: the beginning
// settled, and it settles only with the whole. What is left is a copy that a crash brought back.
bool Group::settled_before(const Entry& entry) {
    const auto& header = entry.batch().header();
    return header.part && header.part->index > 0 && entry.has(entry_flag::pinned) &&
           part_homes_.find(header) == nullptr;
}

bool Group::take_from_runs() {
    while (const auto lane = next_lane(runs_, turn_)) {
        const auto& front = runs_[*lane].front()->batch().header();
        if (front.part)
            if (const auto* home = part_homes_.find(front);
                home != nullptr && home->peer != nullptr)
                return false;  // the rest of a message whose beginning a peer has
        Entry entry = runs_[*lane].pop();
        if (entry.custody->expires <= keeper_.now()) {
            keeper_.settle(entry, Settlement::expired);
            continue;
        }
        if (settled_before(entry)) {
            keeper_.settle(entry, Settlement::settled);
            continue;
        }
        const std::uint32_t done = entry.owed().done;
        const std::uint32_t rest = entry.messages() - done;
        keeper_.handed_out(entry);
        const BatchId batch = entry.id();
        ready_.emplace(WorkKey{batch, done}, Work{rest, 1});
        out_.emplace(batch, Out{.entry = std::move(entry), .remaining = rest});
        return true;
    }
    return false;
}

bool Group::hand_out_one(Effects& effects) {
    if (ready_.empty()) {
        const bool room = std::any_of(consumers_.begin(), consumers_.end(),
                                      [](const Consumer& consumer) { return consumer.has_room(); });
        if (!room && part_homes_.empty()) return false;
        if (consumers_.empty() || !take_from_runs()) return false;
    }
    const auto [key, work] = *ready_.begin();
    const auto at = out_.find(key.first);
    BUS_ASSERT(at != out_.end());
    Out& out = at->second;
    Consumer* const consumer = consumer_for(out);
    if (consumer == nullptr) return false;
    ready_.erase(ready_.begin());
    if (work.attempt > 1 && out.entry.custody->expires <= keeper_.now()) {
        out.remaining -= work.count;
        if (out.remaining == 0) settle(at, Settlement::expired);
        return true;
    }
    const std::uint32_t count = share(*consumer, out, work.count);
    if (count < work.count)
        ready_.emplace(WorkKey{key.first, key.second + count},
                       Work{work.count - count, work.attempt});
    deliver(*consumer, out, key.second, count, work.attempt, effects);
    return true;
}

// All parts of a message go to one consumer, whatever room it has: it cannot acknowledge, and so
// not make room, before it has the last.
Group::Consumer* Group::consumer_for(const Out& out) {
    const auto& header = out.entry.batch().header();
    if (header.part)
        if (const auto* home = part_homes_.find(header); home != nullptr && home->consumer)
            return find(*home->consumer);
    for (std::size_t tried = 0; tried < consumers_.size(); ++tried) {
        Consumer& consumer = consumers_[next_consumer_++ % consumers_.size()];
        if (!consumer.has_room()) continue;
        if (header.part) part_homes_.set(header, {.consumer = consumer.id, .peer = nullptr});
        return &consumer;
    }
    return nullptr;
}

// An even share of the batch for each consumer that has room.
std::uint32_t Group::share(const Consumer& consumer, const Out& out, std::uint32_t count) const {
    if (out.entry.batch().header().part) return count;
    std::uint32_t with_room = 0;
    for (const Consumer& other : consumers_) with_room += other.has_room() ? 1 : 0;
    const std::uint32_t even = (out.entry.messages() + with_room - 1) / std::max(1u, with_room);
    return std::max(1u, std::min({count, consumer.room(), even}));
}

void Group::deliver(Consumer& consumer, Out& out, std::uint32_t first, std::uint32_t count,
                    std::uint16_t attempt, Effects& effects) {
    const Entry& entry = out.entry;
    const Bytes body = entry.batch().body();
    const bool whole = first == 0 && count == entry.messages();
    const Bytes range = whole ? body : wire::cut_body(body, first, count);
    const auto begin = static_cast<std::uint32_t>(range.data() - body.data());

    // Nothing can be acknowledged before the last part is there, so none before it may take the
    // room that what stands between them needs.
    const auto& part = entry.batch().header().part;
    const bool takes_room = !part || part->index + 1 == part->total;
    const std::uint64_t tag = leases_.open({.group = id(),
                                            .consumer = consumer.id,
                                            .batch = entry.id(),
                                            .first = first,
                                            .count = count,
                                            .undecided = count,
                                            .bytes = takes_room ? range.size() : 0,
                                            .takes_room = takes_room,
                                            .attempt = attempt,
                                            .since = keeper_.now()});
    consumer.tags.insert(tag);
    if (takes_room) {
        consumer.messages_out += count;
        consumer.bytes_out += range.size();
    }

    const bool again =
        attempt > 1 || entry.has(entry_flag::redelivered) || entry.custody->recovered;
    wire::Envelope envelope{.flags = again ? wire::envelope_flag::redelivered : std::uint16_t{0},
                            .attempt = attempt,
                            .number = tag,
                            .lifetime_millis = keeper_.lifetime_left(*entry.custody),
                            .first = first,
                            .messages = count,
                            .consumer = consumer.id.id};
    effects.to_apps.push_back(
        {consumer.id.session, SendBatch{envelope, entry.batch(), begin,
                                        begin + static_cast<std::uint32_t>(range.size())}});
}

// ---- The journal -----------------------------------------------------------------------------

void Group::trim(std::uint64_t memory_bytes_max) {
    for (Run& lane : runs_) lane.trim(memory_bytes_max);
}

void Group::read_on_if_wanted(std::uint64_t memory_bytes_max, bool for_peer,
                              std::vector<ReadBack>& reads) {
    if (consumers_.empty() && !for_peer) return;
    for (Run& lane : runs_)
        if (auto request = lane.read_on(memory_bytes_max)) reads.push_back(*request);
}

void Group::on_loaded(const Loaded& answer) {
    run(answer.request.stream.lane)
        .loaded(
            answer,
            [&](const LoadedEntry& row) { return keeper_.taken_back(row, answer.request.stream); },
            [&](const LoadedEntry& row) { keeper_.lost(row, answer.request.stream); });
}

void Group::purge() {
    for (Run& lane : runs_) {
        keeper_.ledger.leave(id(), lane.on_disk().messages, Settlement::purged);
        lane.drop_disk();
        while (lane.front() != nullptr) keeper_.settle(lane.pop(), Settlement::purged);
    }
    for (const auto& [batch, out] : out_) keeper_.settle(out.entry, Settlement::purged, out.buried);
    out_.clear();
    ready_.clear();
    delayed_.clear();
}

// ---- What others ask ---------------------------------------------------------------------------

bool Group::settles_soon() const {
    if (consumers_.empty()) return false;
    for (const Run& lane : runs_)
        if (lane.spilled()) return false;
    // Consumers whose prefetch is full are quick all the same, as long as they keep acknowledging.
    return keeper_.now() - last_settled_ < Duration{limits::grace_max} ||
           std::any_of(consumers_.begin(), consumers_.end(),
                       [](const Consumer& consumer) { return consumer.has_room(); });
}

Run::Size Group::waiting() const {
    Run::Size all;
    for (const Run& lane : runs_) all.add(lane.size());
    for (const auto& [batch, out] : out_) all.add({1, out.remaining, out.entry.bytes()});
    return all;
}

std::uint64_t Group::queued_bytes() const {
    std::uint64_t bytes = 0;
    for (const Run& lane : runs_) bytes += lane.size().bytes;
    return bytes;
}

std::uint64_t Group::unacknowledged() const {
    std::uint64_t count = 0;
    for (const Consumer& consumer : consumers_) count += consumer.messages_out;
    return count;
}

Time Group::oldest() const {
    Time oldest = never;
    for (const Run& lane : runs_) oldest = std::min(oldest, lane.oldest());
    for (const auto& [batch, out] : out_) oldest = std::min(oldest, out.entry.custody->taken);
    return oldest;
}

}  // namespace bus::core
