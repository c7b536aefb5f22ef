#include "core/group.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/mutation.h"
#include "core/backoff.h"

namespace bus::core {

using wire::Lane;

namespace {

template <std::size_t... I>
std::array<Run, sizeof...(I)> runs_of(DestinationId id, std::index_sequence<I...>) {
    return {Run{StreamId{id, static_cast<Lane>(I)}}...};
}

}  // namespace

Group::Group(Destination destination, Keeper& keeper, Leases& leases)
    : destination_(std::move(destination)),
      keeper_(keeper),
      leases_(leases),
      runs_(runs_of(destination_.id, std::make_index_sequence<wire::lane_count>{})),
      forsaken_since_(keeper.now()) {
    if (is_late_joiner()) last_given_.emplace();
}

// ---- What it is owed -----------------------------------------------------------------

void Group::offer(Entry entry) { run(entry.batch().header().lane).push(std::move(entry)); }

bool Group::offer_now(const std::shared_ptr<Custody>& custody, std::uint16_t slot,
                      Effects& effects) {
    if (!ready_.empty() || consumers_.empty() || is_paused()) return false;
    const auto& part = custody->batch.header().part;
    const auto has_room = [&](const Consumer& consumer) { return consumer.is_free(keeper_.now()); };
    // All parts of a message go to one consumer, or they are of no use.
    const auto to = is_exclusive() ? consumers_.begin()
                    : part ? consumers_.begin() + static_cast<std::ptrdiff_t>(part->first_sequence %
                                                                              consumers_.size())
                           : std::find_if(consumers_.begin(), consumers_.end(), has_room);
    if (to == consumers_.end() || !has_room(*to)) return false;
    const Out out{.entry = Entry{custody, slot}};
    deliver(*to, out, 0, {.count = custody->messages}, effects);
    return true;
}

std::size_t Group::offer_to_all(const std::shared_ptr<Custody>& custody, std::uint16_t slot,
                                Effects& effects) {
    const Out out{.entry = Entry{custody, slot}};
    std::size_t reached = 0;
    for (Consumer& consumer : consumers_) {
        if (!consumer.is_free(keeper_.now())) continue;
        deliver(consumer, out, 0, {.count = custody->messages}, effects);
        ++reached;
    }
    return reached;
}

// ---- Consumers -------------------------------------------------------------------------

void Group::join(ConsumerId id, const ConsumerTerms& terms) {
    consumers_.emplace_back(id, terms);
    for (const auto& [consumer, works] : parked_) ready_.insert(works.begin(), works.end());
    parked_.clear();  // some of it may be for this one
    linger_until = never;
}

std::vector<ConsumerId> Group::consumer_ids() const {
    std::vector<ConsumerId> ids;
    for (const Consumer& consumer : consumers_) ids.push_back(consumer.id());
    return ids;
}

void Group::adopt(std::vector<Consumer> consumers) {
    for (const Consumer& consumer : consumers)
        for (const std::uint64_t tag : consumer.tags()) leases_.find(tag)->group = id();
    std::move(consumers.begin(), consumers.end(), std::back_inserter(consumers_));
}

Consumer* Group::find(ConsumerId id) {
    for (Consumer& consumer : consumers_)
        if (consumer.id() == id) return &consumer;
    return nullptr;
}

void Group::leave(ConsumerId id, Parting how) {
    const auto at = std::find_if(consumers_.begin(), consumers_.end(),
                                 [&](const Consumer& consumer) { return consumer.id() == id; });
    if (at == consumers_.end()) return;
    const Consumer gone = std::move(*at);
    consumers_.erase(at);
    if (consumers_.empty()) forsaken_since_ = keeper_.now();
    return_parked();
    for (const std::uint64_t tag : gone.tags()) {
        Lease lease = *leases_.find(tag);
        leases_.close(tag);
        const Return why{.counts = how == Parting::lost && lease.suspect,
                         .suspect = how == Parting::lost};
        lease.decide(lease.first, lease.count, [&](std::uint32_t first, std::uint32_t count) {
            give_back(lease, first, count, why);
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
    if (ack.verdict == wire::Verdict::extend) {
        if (consumer->has_deadline()) consumer->extend(ack.tag, *lease, keeper_.now());
        return Decision::done;
    }
    if (!ack.through) {
        if (!turn_away_whole(*consumer, ack)) rule(*consumer, ack);
        return Decision::done;
    }
    const std::vector<std::uint64_t> before{consumer->tags().begin(),
                                            consumer->tags().find(ack.tag)};
    for (const std::uint64_t tag : before) rule(*consumer, {.tag = tag, .count = wire::all_of_it});
    rule(*consumer, {.tag = ack.tag, .first = 0, .count = ack.first + ack.count});
    return Decision::done;
}

// What the consumer says of these messages of one lease; of those that it has decided before, no
// more.
void Group::rule(Consumer& consumer, const wire::Ack& ack) {
    Lease& lease = *leases_.find(ack.tag);
    const std::uint32_t from = std::max(ack.first, lease.first);
    const auto to = static_cast<std::uint32_t>(
        std::min(std::uint64_t{ack.first} + ack.count, std::uint64_t{lease.first} + lease.count));
    lease.decide(from, to - from, [&](std::uint32_t first, std::uint32_t count) {
        consumer.decide(lease, count, keeper_.now());
        carry_out(lease, ack, first, count);
    });
    if (lease.undecided > 0) return;
    consumer.finish(ack.tag, lease);
    leases_.close(ack.tag);
}

void Group::carry_out(const Lease& lease, const wire::Ack& ack, std::uint32_t first,
                      std::uint32_t count) {
    if (keeper_.steps.is_on()) note_verdict(lease, ack, first, count);
    switch (ack.verdict) {
        case wire::Verdict::ack:
            return acknowledge(lease.batch, first, count, lease.since);
        case wire::Verdict::reject: {
            const auto at = out_.find(lease.batch);
            if (at == out_.end()) return;  // best effort
            if (is_service()) return acknowledge(lease.batch, first, count, lease.since);
            return bury(at, first, count,
                        ack.reason.empty() ? "rejected by its consumer"
                                           : "rejected by its consumer: " + ack.reason,
                        lease.attempt);
        }
        case wire::Verdict::nack:
        case wire::Verdict::extend:
            break;
    }
    const Duration pause = ack.delay_millis > 0
                               ? Duration{std::chrono::milliseconds{ack.delay_millis}}
                               : redelivery_pause(lease.deliveries + 1u);
    // A request was not begun: another responder may have it.
    give_back(lease, first, count, {.counts = !is_service(), .pause = pause});
}

// What it rejects is noted as it is buried.
void Group::note_verdict(const Lease& lease, const wire::Ack& ack, std::uint32_t first,
                         std::uint32_t count) {
    const auto at = out_.find(lease.batch);
    if (at == out_.end() || ack.verdict == wire::Verdict::reject) return;
    const bool is_done = ack.verdict == wire::Verdict::ack;
    keeper_.steps.note([&] {
        return Event{
            .kind = is_done ? Event::Kind::batch_acknowledged : Event::Kind::batch_given_back,
            .at = keeper_.now(),
            .subject = {},
            .words = ack.reason,
            .messages = count,
            .batch = at->second.entry.batch(),
            .destination = id(),
            .first = first,
            .session = lease.consumer.session,
            .attempt = lease.attempt};
    });
}

// It had its time. What it has had the longest it has really begun with; the rest it may only have
// in a queue of its own.
void Group::take_back_overdue(Consumer& consumer) {
    const std::uint64_t oldest = consumer.oldest();
    for (const std::uint64_t tag : consumer.take_overdue(keeper_.now())) {
        const Lease* const lease = leases_.find(tag);
        if (lease == nullptr || lease->deadline > keeper_.now()) continue;
        const bool counts = tag == oldest;
        const Return why{.counts = counts,
                         .pause = counts ? redelivery_pause(lease->deliveries + 1u) : Duration{}};
        const auto out = out_.find(lease->batch);
        if (out != out_.end() && out->second.large != nullptr)
            take_back_large(*out->second.large, consumer, why);
        else
            take_back(consumer, tag, why);
    }
}

void Group::take_back(Consumer& consumer, std::uint64_t tag, const Return& why) {
    Lease& lease = *leases_.find(tag);
    lease.decide(lease.first, lease.count, [&](std::uint32_t first, std::uint32_t count) {
        consumer.decide(lease, count, keeper_.now());
        give_back(lease, first, count, why);
    });
    consumer.finish(tag, lease);
    leases_.close(tag);
}

void Group::give_back(const Lease& lease, std::uint32_t first, std::uint32_t count,
                      const Return& why) {
    const auto at = out_.find(lease.batch);
    if (at == out_.end()) return;  // best effort, or it has ended with its message
    if (is_service() && (why.suspect || why.counts)) {
        // It may have been carried out: who asked decides whether to ask again.
        unanswered_.push_back(
            {at->second.entry, first, count, !mutated(Mutation::begun_request_denied)});
        return acknowledge(lease.batch, first, count, lease.since);
    }
    constexpr unsigned most = std::numeric_limits<std::uint16_t>::max();
    const Work work{.count = count,
                    .attempt = static_cast<std::uint16_t>(std::min(lease.attempt + 1u, most)),
                    .deliveries = static_cast<std::uint16_t>(
                        std::min(lease.deliveries + (why.counts ? 1u : 0u), most)),
                    .suspect = why.suspect,
                    .key = turns_.key_of({lease.batch, first})};
    const bool is_hopeless = lease.deliveries_max > 0 && work.deliveries >= lease.deliveries_max;
    if (!why.counts || !is_hopeless) return put_back(at->second, first, work, why.pause);
    const std::string reason =
        "not acknowledged in " + std::to_string(work.deliveries) + " deliveries";
    if (at->second.large != nullptr) return bury_whole(*at->second.large, reason);
    bury(at, first, count, reason, lease.attempt);
}

// A long rest is on disk.
void Group::put_back(const Out& out, std::uint32_t first, const Work& work, Duration pause) {
    const WorkKey key{out.entry.id(), first};
    if (pause <= Duration{}) {
        ready_.emplace(key, work);
        return;
    }
    resting_.emplace(keeper_.now() + pause, std::pair{key, work});
    if (pause > Duration{limits::rest_in_memory}) keeper_.spare_bytes(out.entry);
}

void Group::acknowledge(BatchId batch, std::uint32_t first, std::uint32_t count, Time since) {
    const auto at = out_.find(batch);
    if (at == out_.end()) return;  // best effort
    Out& out = at->second;
    out.remaining -= count;
    pass_turn({batch, first});
    if (out.remaining == 0 || mutated(Mutation::one_consumer_settles)) {
        learn_settle_time(out.entry, since);
        return out.large != nullptr ? decide_part(at) : settle(at);
    }
    note_acknowledged(out, first, count);
}

// What follows the first that is not is forgotten in a crash, and comes again.
void Group::note_acknowledged(Out& out, std::uint32_t first, std::uint32_t count) {
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

void Group::bury(std::map<BatchId, Out>::iterator at, std::uint32_t first, std::uint32_t count,
                 const std::string& reason, std::uint32_t attempts) {
    keeper_.bury(at->second.entry, first, count, reason, {}, attempts);
    at->second.apart.buried += count;
    if (at->second.large != nullptr) at->second.large->buried = true;
    acknowledge(at->first, first, count, keeper_.now());
}

void Group::settle(std::map<BatchId, Out>::iterator at) {
    keeper_.settle(at->second.entry, at->second.how, at->second.apart);
    out_.erase(at);
}

Time Group::next_deadline() const {
    Time next = free_again_;
    if (!resting_.empty()) next = std::min(next, resting_.begin()->first);
    for (const Consumer& consumer : consumers_) next = std::min(next, consumer.next_deadline());
    return next;
}

// ---- What others ask ---------------------------------------------------------------------------

bool Group::settles_soon() const {
    if (consumers_.empty() || is_paused()) return false;
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
    for (const auto& [batch, out] : out_)
        all.add({1, out.remaining - out.at_peers, out.entry.bytes()});
    return all;
}

std::uint64_t Group::queued_bytes() const {
    std::uint64_t bytes = 0;
    for (const Run& lane : runs_) bytes += lane.size().bytes;
    return bytes;
}

std::uint64_t Group::unacknowledged() const {
    std::uint64_t count = 0;
    for (const Consumer& consumer : consumers_) count += consumer.messages_out();
    return count;
}

Time Group::oldest_waiting() const {
    Time oldest = never;
    for (const Run& lane : runs_) oldest = std::min(oldest, lane.oldest());
    return oldest;
}

Time Group::oldest() const {
    Time oldest = oldest_waiting();
    for (const auto& [batch, out] : out_) oldest = std::min(oldest, out.entry.custody->taken);
    return oldest;
}

}  // namespace bus::core
