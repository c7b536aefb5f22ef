// Large messages that are read part by part: the consumer acknowledges each part
// when it goes on to the next, and so makes room for more. The parts that it has no
// room for wait beside what else is handed out, so that neither stands in the way
// of the other. Settled is the whole, with its last part, as ever.

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <string>

#include "core/backoff.h"
#include "core/group.h"

namespace bus::core {

bool Group::waits_ahead(const LargeMessage& message) {
    return message.rests || (message.consumer && find(*message.consumer)->by_parts());
}

void Group::wait_ahead(LargeMessage& message, BatchId part, const Work& work) {
    message.ahead.emplace(
        part, LargeMessage::Ahead{
                  .attempt = work.attempt, .deliveries = work.deliveries, .suspect = work.suspect});
}

// Another consumer, or agent, begins anew.
void Group::release_ahead(LargeMessage& message) {
    for (const auto& [part, waits] : std::exchange(message.ahead, {}))
        ready_.emplace(WorkKey{part, 0}, Work{.count = out_.at(part).remaining,
                                              .attempt = waits.attempt,
                                              .deliveries = waits.deliveries,
                                              .suspect = waits.suspect});
    message.spared = {};
}

void Group::end_rest(LargeMessage& message) {
    message.rests = false;
    const BatchId first = message.parts.front();
    const auto at = std::find_if(resting_.begin(), resting_.end(), [&](const auto& resting) {
        return resting.second.first.first == first;
    });
    if (at != resting_.end()) {
        ready_.insert(at->second);
        resting_.erase(at);
    }
    release_ahead(message);
}

// true: something was handed out, so what comes next may be looked for.
bool Group::hand_out_ahead(Effects& effects) {
    if (large_.empty()) return false;
    const auto waiting = large_.find_all(
        [](const LargeMessage& message) { return message.consumer && !message.ahead.empty(); });
    bool handed_out = false;
    for (LargeMessage* message : waiting) {
        while (hand_out_ahead(*message, effects)) handed_out = true;
        spare_ahead(*message);
    }
    return handed_out;
}

bool Group::hand_out_ahead(LargeMessage& message, Effects& effects) {
    Consumer& consumer = *find(*message.consumer);
    if (message.ahead.empty() || !consumer.has_part_room()) return false;
    const auto [part, waits] = *message.ahead.begin();
    const Out& out = out_.at(part);
    if (!out.entry.batch()) {
        recall(out.entry);
        return false;
    }
    message.ahead.erase(part);
    deliver(consumer, out, 0,
            {.count = out.remaining,
             .attempt = waits.attempt,
             .deliveries = waits.deliveries,
             .suspect = waits.suspect},
            effects);
    return true;
}

// Beyond what is read back at once, what waits does so on disk.
void Group::spare_ahead(LargeMessage& message) {
    constexpr std::size_t kept = limits::stream_read_back / limits::frame_bytes_max;
    if (message.ahead.size() <= kept) return;
    message.spared = std::max(message.spared, std::next(message.ahead.begin(), kept)->first);
    for (auto at = message.ahead.upper_bound(message.spared); at != message.ahead.end(); ++at) {
        keeper_.spare_bytes(out_.at(at->first).entry);
        message.spared = at->first;
    }
}

// Nobody has room for what is at the front. If a consumer that reads a large message waits for its
// next part, that may stand behind.
bool Group::look_behind() {
    if (ready_.empty() || large_.empty() || ready_.size() >= limits::put_off_max) return false;
    const auto waits = large_.find_all([&](const LargeMessage& message) {
        if (!message.consumer || message.complete || !message.ahead.empty()) return false;
        const Consumer& consumer = *find(*message.consumer);
        return consumer.by_parts() && consumer.has_part_room();
    });
    if (waits.empty() || !take_from_runs()) return false;
    keeper_.spare_bytes(out_.at(std::prev(ready_.end())->first.first).entry);
    return true;
}

bool Group::is_awaited(BatchId part) const {
    const auto work = ready_.lower_bound({part, 0});
    if (work != ready_.end() && work->first.first == part) return true;
    const LargeMessage* const large = out_.at(part).large;
    return large != nullptr && large->ahead.contains(part);
}

// Whoever reads a message part by part says of all of it that it does not take it, by one word
// about any part that it has. false: this is no such word.
bool Group::turn_away_whole(Consumer& consumer, const wire::Ack& ack) {
    const bool rejects = ack.verdict == wire::Verdict::reject;
    if (!consumer.by_parts() || (!rejects && ack.verdict != wire::Verdict::nack)) return false;
    const Lease lease = *leases_.find(ack.tag);
    const auto at = out_.find(lease.batch);
    if (at == out_.end() || at->second.large == nullptr) return false;
    LargeMessage& message = *at->second.large;
    take_in_hand(message, consumer);
    undo_decisions(message);
    message.consumer.reset();
    constexpr unsigned most = std::numeric_limits<std::uint16_t>::max();
    const Work again{
        .count = 1,
        .attempt = static_cast<std::uint16_t>(std::min(lease.attempt + 1u, most)),
        .deliveries = static_cast<std::uint16_t>(std::min(lease.deliveries + 1u, most))};
    if (rejects)
        bury_whole(message, ack.reason.empty() ? "rejected by its consumer"
                                               : "rejected by its consumer: " + ack.reason);
    else if (lease.deliveries_max > 0 && again.deliveries >= lease.deliveries_max)
        bury_whole(message,
                   "not acknowledged in " + std::to_string(again.deliveries) + " deliveries");
    else
        rest_whole(message, again,
                   ack.delay_millis > 0 ? Duration{std::chrono::milliseconds{ack.delay_millis}}
                                        : redelivery_pause(again.deliveries));
    return true;
}

// What the consumer has of it, it has no longer.
void Group::take_in_hand(const LargeMessage& message, Consumer& consumer) {
    const std::set<std::uint64_t> tags = consumer.tags();
    for (const std::uint64_t tag : tags) {
        Lease& lease = *leases_.find(tag);
        if (!std::binary_search(message.parts.begin(), message.parts.end(), lease.batch)) continue;
        lease.decide(lease.first, lease.count, [&](std::uint32_t, std::uint32_t count) {
            consumer.decide(lease, count, keeper_.now());
        });
        consumer.finish(tag, lease);
        leases_.close(tag);
    }
}

void Group::undo_decisions(LargeMessage& message) {
    for (const BatchId part : message.parts) {
        Out& out = out_.at(part);
        if (out.remaining > 0) continue;
        out.remaining = out.entry.messages();
        out.how = Settlement::settled;
        ++message.undecided;
    }
}

// The first part rests, and the others wait for it.
void Group::rest_whole(LargeMessage& message, const Work& work, Duration pause) {
    message.ahead.clear();
    message.spared = {};
    message.rests = true;
    for (const BatchId part : message.parts) wait_ahead(message, part, work);
    const BatchId first = message.parts.front();
    message.ahead.erase(first);
    put_back(out_.at(first), 0, work, pause);
    spare_ahead(message);
}

}  // namespace bus::core
