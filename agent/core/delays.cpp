// Delayed delivery: what a producer wants to be handed out later waits in the
// delay line, and is taken like anything fresh when it is due. Until its new
// copy is safe it stays in the line as well: what is written of the copy takes
// it out of the line in the same transaction, so a crash leaves it in one of
// the two.

#include <algorithm>

#include "core/state.h"

namespace bus::core {

using State = Exchange::State;

static_assert(limits::released_bytes_max >= wire::frame_bytes_max, "the largest batch gets out");
static_assert(limits::released_bytes_max <= limits::stream_memory, "it is in memory twice");

State::Refusal State::why_not_delay(const wire::Envelope& envelope,
                                    const wire::BatchHeader& header) {
    if (envelope.delay_millis == 0) return std::nullopt;
    if (!header.guaranteed()) return {{wire::Reject::malformed, "best effort cannot be delayed"}};
    if (envelope.delay_millis > wire::delay_millis_max)
        return {{wire::Reject::limit, "it is delayed by more than 366 days"}};
    if (header.part) return {{wire::Reject::limit, "a large message cannot be delayed"}};
    if (!header.is_delayed())
        return {{wire::Reject::malformed, "a batch that is delayed has to say so in its header"}};
    return std::nullopt;
}

void State::delay(const Arrival& arrival, const wire::Envelope& envelope, Batch batch) {
    if (delays.id().value == 0) {
        last_destination = last_destination.next();
        delays.found(last_destination);
        keeper.declare({.type = Destination::Type::delay, .id = delays.id(), .name = "delayed"});
    }
    const bool resent = (arrival.flags & wire::envelope_flag::resent) != 0;
    const std::uint8_t flags = resent ? entry_flag::resent | entry_flag::redelivered : 0;
    const auto custody = keeper.take(batch, {{delays.stream(), flags}},
                                     expiry(arrival, batch.header()), {}, 0, false);
    custody->owner = arrival.owner;
    custody->due_wall_micros =
        keeper.wall_micros(now + std::chrono::milliseconds{envelope.delay_millis});
    keeper.attach(custody, arrival.intake, arrival.number, 1);
    keeper.want(custody, now);
    delays.push(Entry{custody, 0});
    producers.at(batch.header().producer).bulk_at = now;
    hold_if_full(arrival, batch, delays.id(), delays.size().bytes);
}

// ---- When it is due
// ------------------------------------------------------------------------------

// What is released and not safe yet is in memory twice, so it is not much.
bool State::may_release() const {
    return released_bytes < limits::released_bytes_max && released.size() < limits::released_max;
}

Time State::next_release() const {
    const Entry* const next = delays.next();
    if (next == nullptr || !may_release() || stopping) return never;
    return keeper.from_wall(next->custody->due_wall_micros);
}

void State::release_due() {
    settle_released();
    while (next_release() <= now) release(delays.pop());
    if (auto read = delays.read_on(memory_share())) effects.reads.push_back(std::move(*read));
}

// Its copy is safe: the line is rid of it.
void State::settle_released() {
    std::erase_if(released, [&](const Released& one) {
        if (!one.copy->safe()) return false;
        released_bytes -= one.entry.bytes();
        keeper.settle(one.entry, Settlement::moved);
        return true;
    });
}

// An earlier start of this agent may have released what it has recovered: whose clock was right
// then nobody knows.
void State::release(Entry entry) {
    const Batch batch = entry.batch();
    const auto& header = batch.header();
    Custody& waited = *entry.custody;
    if (waited.expires <= now) return keeper.settle(entry, keeper.expire(entry));
    const Route& here = route(header.kind, header.channel);
    for (const Denial& denial : here.denied) deny(denial);
    if (here.groups.empty() && here.remotes.empty()) {
        keeper.ledger.unrouted(batch.messages());
        if (!here.retains) return keeper.settle(entry, Settlement::moved);
        const auto copy = keeper.take_retained(batch, waited.expires);
        released_bytes += entry.bytes();
        released.push_back({std::move(entry), copy});
        return;
    }
    std::uint8_t flags = entry.owed().flags;
    if (waited.recovered) flags |= entry_flag::resent | entry_flag::redelivered;
    const auto copy = keeper.take(batch, where_of(here, flags, header.lane), waited.expires, {}, 0,
                                  !here.groups.empty());
    copy->released = {delays.stream(), entry.id()};
    copy->owner = waited.owner;
    if (here.retains) keeper.retain(copy);
    keeper.want(copy,
                settles_soon(here.groups, here.remotes) ? due_of(here.groups, here.remotes) : now);
    offer_all(copy, here);
    released_bytes += entry.bytes();
    released.push_back({std::move(entry), copy});
}

std::vector<Keeper::Where> State::where_of(const Route& here, std::uint8_t flags, wire::Lane lane) {
    std::vector<Keeper::Where> where;
    where.reserve(here.groups.size() + here.remotes.size());
    for (const Group* group : here.groups) where.push_back({{group->id(), lane}, flags});
    const auto sent = static_cast<std::uint8_t>(flags & ~unsigned{entry_flag::redelivered});
    for (const Remote* remote : here.remotes) where.push_back({{remote->id(), lane}, sent});
    return where;
}

void State::offer_all(const std::shared_ptr<Custody>& custody, const Route& here) {
    std::uint16_t slot = 0;
    for (Group* group : here.groups) {
        group->offer(Entry{custody, slot++});
        touch(*group);
        watch_share(*group);
    }
    for (Remote* remote : here.remotes) {
        remote->offer(Entry{custody, slot++});
        wake(*remote);
    }
}

}  // namespace bus::core
