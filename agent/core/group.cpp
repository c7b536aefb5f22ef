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
    if (!ready_.empty() || consumers_.empty()) return false;
    const auto& part = custody->batch.header().part;
    const auto has_room = [](const Consumer& consumer) { return consumer.has_room(); };
    // All parts of a message go to one consumer, or they are of no use.
    const auto to = part ? consumers_.begin() +
                               static_cast<std::ptrdiff_t>(part->first_sequence % consumers_.size())
                         : std::find_if(consumers_.begin(), consumers_.end(), has_room);
    if (to == consumers_.end() || !to->has_room()) return false;
    const Out out{.entry = Entry{custody, slot}};
    deliver(*to, out, 0, custody->messages, 1, effects);
    return true;
}

Entry* Group::for_peer(PeerTaker taker) {
    if (!is_queue()) return nullptr;
    if (!ready_.empty()) return left_behind(taker);
    const bool room_here = std::any_of(consumers_.begin(), consumers_.end(),
                                       [](const Consumer& one) { return one.has_room(); });
    for (Run& lane : runs_) {
        Entry* const front = front_of(lane);
        if (front == nullptr || front->owed().done > 0) continue;
        // Its own host first, but for the rest of a message whose beginning the peer has.
        if (room_here && !is_with_peer(front->batch().header(), taker)) continue;
        if (may_go_to_peer(*front, taker)) return front;
    }
    return nullptr;
}

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

// Ranges of a batch, and what was decided in part, wait for a consumer of this host.
Entry* Group::left_behind(PeerTaker taker) {
    if (!consumers_.empty()) return nullptr;
    const auto& [key, work] = *ready_.begin();
    Out& out = out_.at(key.first);
    const bool whole = work.count == out.entry.messages() && out.entry.owed().done == 0;
    const bool is_free =
        out.large == nullptr || out.large->peer == nullptr || out.large->peer == taker;
    const bool pinned = out.entry.has(entry_flag::pinned) && !gives_all_away;
    if (!whole || !is_free || out.buried > 0 || pinned) return nullptr;
    if (out.entry.batch()) return &out.entry;
    recall(out.entry);
    return nullptr;
}

Entry Group::take_left_behind(PeerTaker taker) {
    const auto at = out_.find(ready_.begin()->first.first);
    ready_.erase(ready_.begin());
    Entry entry = at->second.entry;
    entry.owed().flags |= entry_flag::rerouted;
    if (LargeMessage* const large = at->second.large)
        large->peer = taker;
    else
        out_.erase(at);
    return entry;
}

bool Group::is_with_peer(const wire::BatchHeader& batch, PeerTaker taker) {
    const LargeMessage* const large = large_.find(batch);
    return large != nullptr && large->peer == taker;
}

bool Group::may_go_to_peer(const Entry& entry, PeerTaker taker) {
    const bool pinned = entry.has(entry_flag::pinned) && !gives_all_away;
    const auto& header = entry.batch().header();
    if (!header.part)
        return !pinned || keeper_.now() - entry.custody->taken >= limits::queue_return_after;
    if (pinned) return false;
    const LargeMessage* const large = large_.find(header);
    return large == nullptr || large->peer == taker;
}

Entry Group::take_for_peer(Lane lane, PeerTaker taker) {
    if (!ready_.empty()) return take_left_behind(taker);
    Entry entry = run(lane).pop();
    LargeMessage* const large = note_part(entry);
    if (large == nullptr) return entry;
    large->peer = taker;
    unblocked = large->complete;
    out_.emplace(entry.id(), Out{.entry = entry, .remaining = entry.messages(), .large = large});
    return entry;
}

bool Group::decided_at_peer(const Entry& entry, Settlement how) {
    const auto at = out_.find(entry.id());
    if (at == out_.end()) return false;
    Out& out = at->second;
    out.remaining = 0;
    out.how = how;
    keeper_.spare_bytes(out.entry);
    decide_part(at);
    return true;
}

void Group::return_from_peer(Entry entry) {
    const BatchId batch = entry.id();
    const std::uint32_t count = entry.messages();
    out_.emplace(batch, Out{.entry = std::move(entry), .remaining = count});
    give_back(batch, 0, count, 1);
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
    leave_large(id);
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
        return out.large != nullptr ? decide_part(at) : settle(at);
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
    if (at->second.large != nullptr) at->second.large->buried = true;
    acknowledge(batch, first, count, keeper_.now());
}

void Group::settle(std::map<BatchId, Out>::iterator at) {
    keeper_.settle(at->second.entry, at->second.how, at->second.buried);
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

// The lane whose turn it is among those with something at their front.
Run* Group::next_lane() {
    for (std::size_t tried = 0; tried < lane_turns.size(); ++tried) {
        Run& lane = runs_[lane_turns[turn_++ % lane_turns.size()]];
        if (front_of(lane) != nullptr) return &lane;
    }
    return nullptr;
}

bool Group::take_from_runs() {
    while (Run* const lane = next_lane()) {
        const LargeMessage* const begun = large_.find(lane->front()->batch().header());
        if (begun != nullptr && begun->peer != nullptr) return false;  // a peer gets the rest
        Entry entry = lane->pop();
        if (is_expired(entry)) {
            keeper_.settle(entry, Settlement::expired);
            continue;
        }
        const std::uint32_t done = entry.owed().done;
        const std::uint32_t rest = entry.messages() - done;
        LargeMessage* const large = note_part(entry);
        keeper_.handed_out(entry);
        const BatchId batch = entry.id();
        ready_.emplace(WorkKey{batch, done}, Work{rest, 1});
        out_.emplace(batch, Out{.entry = std::move(entry), .remaining = rest, .large = large});
        return true;
    }
    return false;
}

bool Group::hand_out_one(Effects& effects) {
    if (ready_.empty()) {
        const bool room = std::any_of(consumers_.begin(), consumers_.end(),
                                      [](const Consumer& consumer) { return consumer.has_room(); });
        if (!room && large_.empty()) return false;
        if (consumers_.empty() || !take_from_runs()) return false;
    }
    const auto [key, work] = *ready_.begin();
    const auto at = out_.find(key.first);
    BUS_ASSERT(at != out_.end());
    Out& out = at->second;
    if (!out.entry.batch()) {
        recall(out.entry);
        return false;
    }
    Consumer* const consumer = consumer_for(out);
    if (consumer == nullptr) return false;
    ready_.erase(ready_.begin());
    if (work.attempt > 1 && is_expired(out.entry)) {
        out.remaining -= work.count;
        out.how = Settlement::expired;
        if (out.remaining == 0) settle(at);
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
    if (out.large != nullptr && out.large->consumer) return find(*out.large->consumer);
    for (std::size_t tried = 0; tried < consumers_.size(); ++tried) {
        Consumer& consumer = consumers_[next_consumer_++ % consumers_.size()];
        if (!consumer.has_room()) continue;
        if (out.large != nullptr) out.large->consumer = consumer.id;
        return &consumer;
    }
    return nullptr;
}

// An even share of the batch for each consumer that has room.
std::uint32_t Group::share(const Consumer& consumer, const Out& out, std::uint32_t count) const {
    if (out.large != nullptr) return count;
    std::uint32_t with_room = 0;
    for (const Consumer& other : consumers_) with_room += other.has_room() ? 1 : 0;
    const std::uint32_t even = (out.entry.messages() + with_room - 1) / std::max(1u, with_room);
    return std::max(1u, std::min({count, consumer.room(), even}));
}

void Group::deliver(Consumer& consumer, const Out& out, std::uint32_t first, std::uint32_t count,
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
    if (out.large == nullptr) return;
    out.large->moved = keeper_.now();
    keeper_.spare_bytes(entry);
}

// ---- Large messages ----------------------------------------------------------------------

LargeMessage* Group::note_part(const Entry& entry) {
    const auto& header = entry.batch().header();
    if (!header.part) return nullptr;
    LargeMessage* large = large_.find(header);
    if (large == nullptr) large = &large_.begin(header, entry.custody->source);
    LargeMessages::add(*large, header, entry.id(), keeper_.now());
    return large;
}

// A message that has begun to leave does not expire any more.
bool Group::is_expired(const Entry& entry) {
    return entry.custody->expires <= keeper_.now() &&
           large_.find(entry.batch().header()) == nullptr;
}

// A later part, or an abort, of a message whose beginning is not out; an abort of one that has all
// its parts. But where an abort was the last of them, another copy of the beginning that came since
// needs its own.
bool Group::is_moot(const wire::BatchHeader& batch) {
    if (!batch.part || (batch.part->index == 0 && !is_abort(batch))) return false;
    const LargeMessage* const large = large_.find(batch);
    return large == nullptr || (is_abort(batch) && large->complete && !large->cut_short);
}

// The parts of a message settle together. So a later part without its beginning is a copy that a
// crash brought back (it came flagged), of a message that began before the subscription did, or
// what damage has left.
void Group::settle_alone(const Entry& entry) {
    if (is_abort(entry.batch().header()) || entry.has(entry_flag::resent))
        return keeper_.settle(entry, Settlement::settled);
    if (entry.custody->expires <= keeper_.now()) return keeper_.settle(entry, Settlement::expired);
    if (!is_queue()) return keeper_.settle(entry, Settlement::filtered);
    keeper_.bury(entry, 0, entry.messages(), "the beginning of this large message is lost");
    keeper_.settle(entry, Settlement::dead_lettered);
}

void Group::decide_part(std::map<BatchId, Out>::iterator at) {
    LargeMessage& message = *at->second.large;
    --message.undecided;
    if (message.is_decided()) return settle_whole(message);
    if (!mutated(Mutation::parts_settle_singly)) return;
    std::erase(message.parts, at->first);
    settle(at);
}

void Group::settle_whole(LargeMessage& message) {
    for (const BatchId part : message.parts) settle(out_.find(part));
    large_.erase(message);
}

void Group::leave_large(ConsumerId gone) {
    const auto left =
        large_.find_all([&](const LargeMessage& message) { return message.consumer == gone; });
    for (LargeMessage* message : left) {
        message->consumer.reset();
        if (message->buried)
            bury_whole(*message, "rejected by its consumer");
        else
            give_back_whole(*message);
    }
}

// What its consumer has decided of it counts for nothing without the rest.
void Group::give_back_whole(LargeMessage& message) {
    for (const BatchId part : message.parts) {
        Out& out = out_.at(part);
        if (out.remaining > 0) continue;
        out.remaining = out.entry.messages();
        ++message.undecided;
        give_back(part, 0, out.remaining, 1);
    }
}

void Group::bury_whole(LargeMessage& message, const std::string& reason) {
    for (const BatchId part : message.parts) {
        Out& out = out_.at(part);
        if (out.remaining == 0) continue;
        forget_work(part);
        keeper_.bury(out.entry, 0, out.remaining, reason);
        out.buried += std::exchange(out.remaining, 0);
    }
    settle_whole(message);
}

void Group::forget_work(BatchId batch) {
    std::erase_if(ready_, [&](const auto& work) { return work.first.first == batch; });
    std::erase_if(delayed_, [&](const auto& work) { return work.second.first.first == batch; });
}

std::vector<LargeMessage*> Group::waiting_for_parts(Time before) {
    return large_.find_all([&](const LargeMessage& message) {
        return message.consumer && !message.complete && message.moved <= before;
    });
}

std::vector<LargeMessage*> Group::with_peer(PeerTaker taker) {
    return large_.find_all(
        [&](const LargeMessage& message) { return message.peer == taker && !message.complete; });
}

void Group::reclaim(LargeMessage& message) {
    message.peer = nullptr;
    message.undecided = 0;
    for (const BatchId part : message.parts) {
        Out& out = out_.at(part);
        out.remaining = 0;
        out.how = Settlement::settled;
    }
    give_back_whole(message);
}

// What was handed out is in the journal only.
void Group::recall(const Entry& entry) {
    if (std::exchange(recalling_, true)) return;
    recall_ = recall_of(entry);
}

void Group::on_recalled(const Loaded& answer) {
    recalling_ = false;
    const BatchId asked = answer.request.after.next();
    bool found = false;
    for (const LoadedEntry& row : answer.entries) {
        found = found || row.id == asked;
        const auto at = out_.find(row.id);
        const auto work = ready_.lower_bound({row.id, 0});
        const bool wanted = work != ready_.end() && work->first.first == row.id;
        if (at == out_.end() || at->second.entry.batch() || !wanted) continue;
        if (row.batch)
            at->second.entry.custody->restore(row.batch);
        else
            lose(at);
    }
    const auto at = out_.find(asked);
    if (!found && at != out_.end() && !at->second.entry.batch()) lose(at);
}

// A part that went out before and is damaged in the journal now, which has named it. Whoever joins
// the others finds the gap; without its beginning nobody would.
void Group::lose(std::map<BatchId, Out>::iterator at) {
    LargeMessage& large = *at->second.large;
    const bool is_beginning = large.parts.front() == at->first;
    forget_work(at->first);
    std::erase(large.parts, at->first);
    if (at->second.remaining > 0) --large.undecided;
    at->second.how = Settlement::purged;
    settle(at);
    if (is_beginning)
        bury_whole(large, "the beginning of this large message is damaged in the journal");
    else if (large.is_decided())
        settle_whole(large);
}

// ---- The journal -----------------------------------------------------------------------------

void Group::trim(std::uint64_t memory_bytes_max) {
    for (Run& lane : runs_) lane.trim(memory_bytes_max);
}

void Group::read_on_if_wanted(std::uint64_t memory_bytes_max, bool for_peer,
                              std::vector<ReadBack>& reads) {
    if (recall_) reads.push_back(*std::exchange(recall_, std::nullopt));
    if (consumers_.empty() && !for_peer) return;
    for (Run& lane : runs_)
        if (auto request = lane.read_on(memory_bytes_max)) reads.push_back(*request);
}

void Group::on_loaded(const Loaded& answer) {
    if (answer.request.recall) return on_recalled(answer);
    run(answer.request.stream.lane)
        .loaded(
            answer,
            [&](const LoadedEntry& row) { return keeper_.taken_back(row, answer.request.stream); },
            [&](const LoadedEntry& row) { keeper_.lost(row, answer.request.stream); });
}

// What is out of a large message keeps the rest of it.
std::vector<Entry> Group::take_old(const Run::Search& search, std::vector<ReadBack>& reads) {
    std::vector<Entry> taken;
    const auto goes = [&](const Entry& entry) {
        const auto& header = entry.batch().header();
        return large_.find(header) == nullptr && overdue_.take(header, true);
    };
    for (Run& lane : runs_) lane.take_old(search, goes, taken, reads);
    return taken;
}

std::vector<Entry> Group::take_old(const Loaded& answer, const Run::Search& search) {
    std::vector<Entry> taken;
    const StreamId stream = answer.request.stream;
    run(stream.lane)
        .loaded_old(
            answer,
            [&](const LoadedEntry& row) {
                return search.is_old(row) && large_.find(row.batch.header()) == nullptr &&
                       overdue_.take(row.batch.header(), true);
            },
            [&](const LoadedEntry& row) { return keeper_.taken_back(row, stream); },
            [&](const LoadedEntry& row) { keeper_.lost(row, stream); }, taken);
    return taken;
}

void Group::purge() {
    for (const Entry& entry : take_rests()) keeper_.settle(entry, Settlement::purged);
    for (Run& lane : runs_) {
        keeper_.ledger.leave(id(), lane.on_disk().messages, Settlement::purged);
        lane.drop_disk();
        while (lane.front() != nullptr) keeper_.settle(lane.pop(), Settlement::purged);
    }
    for (const auto& [batch, out] : out_) keeper_.settle(out.entry, Settlement::purged, out.buried);
    large_.clear();
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
    for (const Entry& entry : rests_) all.add({1, entry.messages(), entry.bytes()});
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
