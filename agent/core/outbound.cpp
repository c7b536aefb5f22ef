#include "core/outbound.h"

#include <algorithm>

#include "base/mutation.h"

namespace bus::core {

using wire::Lane;

namespace {

std::uint64_t frame_bytes(const Batch& batch) {
    return wire::frame_charge(wire::envelope_length + batch.size());
}

}  // namespace

Outbound::Outbound(Destination destination, Keeper& keeper)
    : destination_(std::move(destination)),
      keeper_(keeper),
      streams_{Stream{{destination_.id, Lane::high}}, Stream{{destination_.id, Lane::normal}},
               Stream{{destination_.id, Lane::low}}} {}

void Outbound::offer(Entry entry) { stream(entry.batch().header().lane).push(std::move(entry)); }

bool Outbound::offer_now(const Batch& batch, std::uint64_t lifetime_millis, const Send& send) {
    const auto bytes = frame_bytes(batch);
    if (!open_ || held_.everything() ||
        loose_bytes_ + bytes > window_ / 4 + limits::frame_bytes_max)
        return false;
    if (held_.holds(wire::channel_hash(batch.header().kind, batch.header().channel))) return false;
    const auto count =
        send({.lifetime_millis = lifetime_millis, .messages = batch.messages()}, batch);
    loose_.push_back({count, bytes});
    loose_bytes_ += bytes;
    return true;
}

// ---- The link session -------------------------------------------------------------------------

void Outbound::open(std::uint64_t peer_incarnation, std::uint64_t taken, std::uint64_t window,
                    const std::vector<wire::ChannelKey>& held) {
    open_ = true;
    peer_incarnation_ = peer_incarnation;
    window_ = window;
    held_.replace(held);
    loose_.clear();
    loose_bytes_ = 0;
    bytes_out_ = 0;
    resend_at_ = flights_.size();
    if (mutated(Mutation::numbers_restart_on_readd) && flights_.empty()) last_number_ = 0;
    for (std::size_t i = flights_.size(); i-- > 0;) {
        Flight& flight = flights_[i];
        flight.counted = !flight.done && flight.number <= taken;
        if (flight.counted) bytes_out_ += frame_bytes(flight.entry.batch());
        if (mutated(Mutation::hello_settles) && flight.counted) finish(flight);
        if (flight.number > taken) resend_at_ = i;
    }
    dirty = true;
}

void Outbound::close() {
    open_ = false;
    bytes_out_ = 0;
}

Outbound::Flight* Outbound::find(std::uint64_t number) {
    const auto at = std::lower_bound(flights_.begin(), flights_.end(), number,
                                     [](const Flight& f, std::uint64_t n) { return f.number < n; });
    return at == flights_.end() || at->number != number ? nullptr : &*at;
}

// It is on its way no more; whoever owed it is told.
void Outbound::land(Flight& flight, Settlement how) {
    flight.done = true;
    if (flight.counted) bytes_out_ -= frame_bytes(flight.entry.batch());
    const Entry entry = std::exchange(flight.entry, {});
    if (flight.queue == nullptr || !flight.queue->decided_at_peer(entry, how))
        keeper_.settle(entry, how);
}

void Outbound::finish(Flight& flight) {
    if (flight.done) return;
    // From when it was taken, waiting included: a line that falls behind shows.
    const Custody& custody = *flight.entry.custody;
    settle_time_.sample(keeper_.now() - (custody.read_back ? flight.since : custody.taken));
    last_settled_ = keeper_.now();
    land(flight, Settlement::settled);
}

bool Outbound::on_ack(const wire::LinkAck& ack) {
    if (ack.through > last_number_) return false;
    for (Flight& flight : flights_) {
        if (flight.number > ack.through) break;
        finish(flight);
    }
    for (const auto& range : ack.ranges) {
        if (range.last > last_number_) return false;
        auto at = std::lower_bound(flights_.begin(), flights_.end(), range.first,
                                   [](const Flight& f, std::uint64_t n) { return f.number < n; });
        for (; at != flights_.end() && at->number <= range.last; ++at) finish(*at);
    }
    while (!flights_.empty() && flights_.front().done) {
        flights_.pop_front();
        if (resend_at_ > 0) --resend_at_;
    }
    window_ = ack.window;
    while (!loose_.empty() && loose_.front().count <= ack.received) {
        loose_bytes_ -= loose_.front().bytes;
        loose_.pop_front();
    }
    dirty = true;
    return true;
}

bool Outbound::on_refuse(std::uint64_t number, const std::string& reason) {
    Flight* const flight = find(number);
    if (flight == nullptr || flight->done) return false;
    keeper_.bury(flight->entry, 0, flight->entry.messages(), reason);
    land(*flight, Settlement::dead_lettered);
    dirty = true;
    return true;
}

void Outbound::abandon(const Group& queue, const LargeMessage& message) {
    BUS_ASSERT(!open_);
    for (Flight& flight : flights_) {
        if (flight.done || flight.queue != &queue) continue;
        const auto& header = flight.entry.batch().header();
        if (!header.part || header.producer != message.rest.producer ||
            header.part->first_sequence != message.rest.part.first_sequence)
            continue;
        flight.done = true;
        flight.entry = {};
    }
}

// ---- Sending
// --------------------------------------------------------------------------------------

bool Outbound::fits(const Entry& entry) const {
    return bytes_out_ == 0 || bytes_out_ + frame_bytes(entry.batch()) <= window_;
}

void Outbound::pump(const std::vector<Group*>& queues, const Send& send) {
    if (!open_) return;
    resend(send);
    if (resend_at_ < flights_.size()) return;  // the window is full of what goes again
    while (send_next(queues, send)) {
    }
}

// What had left before this session and was not taken: first, in number order, held or not.
void Outbound::resend(const Send& send) {
    for (; resend_at_ < flights_.size(); ++resend_at_) {
        Flight& flight = flights_[resend_at_];
        if (flight.done) continue;
        if (!fits(flight.entry)) return;
        send_flight(flight, true, send);
    }
}

bool Outbound::send_next(const std::vector<Group*>& queues, const Send& send) {
    const std::size_t sources = wire::lane_count + queues.size();
    for (std::size_t tried = 0; tried < sources; ++tried) {
        const std::size_t source = turn_++ % sources;
        Entry* const entry = choose(source, queues);
        if (entry == nullptr) continue;
        if (!fits(*entry)) {
            --turn_;  // it keeps its turn
            return false;
        }
        Entry taken = take(source, queues, *entry);
        const auto& header = taken.batch().header();
        const bool is_passed = mutated(Mutation::held_number_passed) &&
                               held_.holds(wire::channel_hash(header.kind, header.channel));
        Group* const queue =
            source < wire::lane_count ? nullptr : queues[source - wire::lane_count];
        Flight flight{.entry = std::move(taken), .queue = queue};
        if (flight.entry.custody->expires <= keeper_.now()) {
            land(flight, Settlement::expired);
            return true;
        }
        if (queue == nullptr && is_moot(flight.entry, queues)) {
            land(flight, Settlement::settled);
            return true;
        }
        flight.number = ++last_number_;
        flight.left_for = peer_incarnation_;
        flight.since = keeper_.now();
        flights_.push_back(std::move(flight));
        resend_at_ = flights_.size();
        if (!is_passed) send_flight(flights_.back(), false, send);
        return true;
    }
    return false;
}

// An abort for what the peer held of a large message of a queue, when it has got that message from
// the queue again meanwhile.
bool Outbound::is_moot(const Entry& entry, const std::vector<Group*>& queues) const {
    const auto& header = entry.batch().header();
    if (header.kind != wire::Kind::queue) return false;
    return std::any_of(queues.begin(), queues.end(), [&](Group* queue) {
        return queue->destination().name == header.channel && queue->is_with_peer(header, this);
    });
}

Entry* Outbound::choose(std::size_t source, const std::vector<Group*>& queues) {
    if (source < wire::lane_count) return streams_[source].front(held_);
    if (held_.everything()) return nullptr;
    Group& queue = *queues[source - wire::lane_count];
    if (held_.holds(wire::channel_hash(wire::Kind::queue, queue.destination().name)))
        return nullptr;
    return queue.for_peer(this);
}

Entry Outbound::take(std::size_t source, const std::vector<Group*>& queues, const Entry& entry) {
    if (source < wire::lane_count) return streams_[source].pop();
    // It was pinned here, or an earlier incarnation may have handed it to a consumer of this host:
    // whoever gets it may see it twice, and what that peer has seen proves nothing about it.
    if (entry.has(entry_flag::pinned | entry_flag::resent) || entry.custody->recovered)
        entry.owed().flags |= entry_flag::rerouted;
    return queues[source - wire::lane_count]->take_for_peer(entry.batch().header().lane, this);
}

void Outbound::send_flight(Flight& flight, bool again, const Send& send) {
    auto& flags = flight.entry.owed().flags;
    const bool other_receiver = again && flight.left_for != peer_incarnation_ &&
                                !mutated(Mutation::resent_cleared_by_other_mark);
    if (other_receiver || flight.entry.custody->recovered) flags |= entry_flag::resent;
    wire::Envelope envelope{.number = flight.number,
                            .lifetime_millis = keeper_.lifetime_left(*flight.entry.custody),
                            .messages = flight.entry.messages()};
    if ((flags & entry_flag::resent) != 0) envelope.flags |= wire::envelope_flag::resent;
    if ((flags & entry_flag::rerouted) != 0) envelope.flags |= wire::envelope_flag::rerouted;
    if (mutated(Mutation::resent_lost)) {
        flags &= static_cast<std::uint8_t>(~entry_flag::resent);
        flight.left_for = peer_incarnation_;
    }
    flight.counted = true;
    bytes_out_ += frame_bytes(flight.entry.batch());
    send(envelope, flight.entry.batch());
}

// ---- The journal
// ------------------------------------------------------------------------------------

void Outbound::trim(std::uint64_t memory_bytes_max) {
    for (Stream& lane : streams_) lane.trim(memory_bytes_max);
}

void Outbound::read_on(std::uint64_t memory_bytes_max, std::vector<ReadBack>& reads) {
    if (!open_) return;  // nothing can leave: what is on disk stays there
    for (Stream& lane : streams_) lane.read_on(memory_bytes_max, held_, reads);
}

// ---- What others ask
// -----------------------------------------------------------------------------------

bool Outbound::settles_soon() const {
    if (!open_ || held_.everything() || resend_at_ < flights_.size()) return false;
    for (const Stream& lane : streams_)
        if (lane.spilled()) return false;
    // A full window is quick all the same, as long as it keeps moving.
    return bytes_out_ < window_ || keeper_.now() - last_settled_ < Duration{limits::grace_max};
}

Run::Size Outbound::backlog() const {
    Run::Size all;
    for (const Stream& lane : streams_) all.add(lane.size());
    for (const Flight& flight : flights_)
        if (!flight.done) all.add({1, flight.entry.messages(), flight.entry.bytes()});
    return all;
}

std::uint64_t Outbound::queued_bytes() const {
    std::uint64_t bytes = 0;
    for (const Stream& lane : streams_) bytes += lane.size().bytes;
    return bytes;
}

Time Outbound::oldest() const {
    Time oldest = never;
    for (const Stream& lane : streams_) oldest = std::min(oldest, lane.oldest());
    for (const Flight& flight : flights_)
        if (!flight.done) oldest = std::min(oldest, flight.entry.custody->taken);
    return oldest;
}

}  // namespace bus::core
