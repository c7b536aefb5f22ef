#include "core/keeper.h"

#include <algorithm>

#include "base/mutation.h"

namespace bus::core {

using Place = Custody::Place;

// ---- Custody -------------------------------------------------------------------

std::shared_ptr<Custody> Keeper::owe(Batch batch, const std::vector<Where>& where, Time expires,
                                     DestinationId source, std::uint8_t hops, Account account) {
    BUS_ASSERT(!where.empty());
    last_batch_ = last_batch_.next();
    auto custody = std::make_shared<Custody>(last_batch_, std::move(batch), meter);
    custody->taken = now_;
    custody->expires = expires;
    custody->source = source;
    custody->hops = hops;
    custody->unsettled = static_cast<std::uint32_t>(where.size());
    custody->owed.reserve(where.size());
    custody->counted = account == Account::counted;
    for (const Where& one : where) {
        custody->owed.push_back({.stream = one.stream, .flags = one.flags});
        if (custody->counted) ledger.take(one.stream.to, custody->messages);
    }
    return custody;
}

std::shared_ptr<Custody> Keeper::take_fleeting(Batch batch, const std::vector<Where>& where,
                                               Time expires, DestinationId source,
                                               std::uint8_t hops, Account account) {
    auto custody = owe(std::move(batch), where, expires, source, hops, account);
    custody->fleeting = true;
    return custody;
}

std::shared_ptr<Custody> Keeper::take(Batch batch, const std::vector<Where>& where, Time expires,
                                      DestinationId source, std::uint8_t hops, bool is_final) {
    auto custody = owe(std::move(batch), where, expires, source, hops, Account::counted);
    custody->is_final = is_final;
    ++unsafe_;
    const auto& header = custody->batch.header();
    if (is_final) unsafe_by_message_.emplace(copy_key(header), custody);
    return custody;
}

std::shared_ptr<Custody> Keeper::take_loose(Batch batch, const std::vector<Where>& where,
                                            Time expires) {
    auto custody = std::make_shared<Custody>(BatchId{}, std::move(batch), meter);
    custody->taken = now_;
    custody->expires = expires;
    for (const Where& one : where)
        custody->owed.push_back({.stream = one.stream, .flags = one.flags});
    return custody;
}

std::shared_ptr<Custody> Keeper::take_retained(Batch batch, Time expires) {
    auto custody = std::make_shared<Custody>(BatchId{}, std::move(batch), meter);
    custody->taken = now_;
    custody->expires = expires;
    ++unsafe_;
    retain(custody);
    return custody;
}

void Keeper::retain(const std::shared_ptr<Custody>& custody) {
    last_values.put(last_message_of(custody->batch), expires_wall(custody->expires));
    if (mutated(Mutation::last_value_unawaited)) return;
    ++custody->burials;
    retained_.push_back(custody);
}

Entry Keeper::taken_back(const LoadedEntry& row, StreamId stream) {
    auto custody = std::make_shared<Custody>(row.id, row.batch, meter);
    custody->place = Place::journaled;
    custody->recovered = row.id <= recovered_through_;
    custody->read_back = true;
    custody->source = row.source;
    custody->owner = row.owner;
    custody->taken =
        row.taken_wall_micros == 0 ? now_ : std::min(now_, from_wall(row.taken_wall_micros));
    custody->expires = row.expires_wall_micros == 0 ? never : from_wall(row.expires_wall_micros);
    custody->due_wall_micros = row.due_wall_micros;
    custody->unsettled = 1;
    custody->owed.push_back(
        {.stream = stream, .flags = row.flags, .done = row.done, .before = row.done});
    return Entry{std::move(custody), 0};
}

void Keeper::lost(const LoadedEntry& row, StreamId stream) {
    ledger.leave(stream.to, row.messages - row.done, Settlement::purged);
    add_pending(Settle{stream, row.id}, now_ + limits::journal_idle_flush);
    if ((row.flags & entry_flag::arrival) != 0) arrive(row.id, true, 1, wire::Fate::lapsed);
}

std::uint64_t Keeper::lifetime_left(const Custody& custody) const {
    if (custody.expires == never) return 0;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(custody.expires - now_);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(1, left.count()));
}

void Keeper::attach(const std::shared_ptr<Custody>& custody, const std::shared_ptr<Intake>& intake,
                    std::uint64_t number, std::uint16_t destinations) {
    if (custody->safe() || mutated(Mutation::ack_on_taken))
        return attach_safe(intake, number, destinations);
    intake->take(number, custody, destinations);
    custody->origins.push_back({intake, number});
}

void Keeper::attach_safe(const std::shared_ptr<Intake>& intake, std::uint64_t number,
                         std::uint16_t destinations) {
    const bool told = intake->dirty;
    intake->take_safe(number, destinations);
    if (!told) dirty_intakes.push_back(intake);
}

void Keeper::want_arrival(const Custody& custody, const std::shared_ptr<Intake>& source,
                          std::uint64_t number, std::uint32_t entries) {
    if (arrivals_.size() >= limits::arrivals_max) {
        arrived.push_back({.source = source, .number = number, .fate = wire::Fate::unknown});
        return;
    }
    Arrival& arrival = arrivals_[custody.id];
    arrival = {.source = source, .number = number, .remaining = entries};
    arrival.consumed = custody.batch.header().wants_consumed();
    for (const auto& owed : custody.owed)
        if ((owed.flags & entry_flag::arrival) != 0) arrival.owed.push_back(owed.stream.to);
    if (const auto* producer = std::get_if<ProducerId>(&source->source()))
        awaited_.insert({*producer, number});
}

void Keeper::forget_arrivals(DestinationId at) {
    for (auto next = arrivals_.begin(); next != arrivals_.end();) {
        Arrival& arrival = next->second;
        if (std::find(arrival.owed.begin(), arrival.owed.end(), at) == arrival.owed.end()) {
            ++next;
            continue;
        }
        if (const auto* producer = std::get_if<ProducerId>(&arrival.source->source()))
            awaited_.erase({*producer, arrival.number});
        arrival.fate = wire::Fate::unknown;
        arrived.push_back(std::move(arrival));
        next = arrivals_.erase(next);
    }
}

void Keeper::arrived_elsewhere(BatchId id, bool safe, std::uint32_t entries, wire::Fate fate) {
    arrive(id, safe, entries, fate);
}

namespace {

wire::Fate fate_of(Settlement how) {
    switch (how) {
        case Settlement::expired:
            return wire::Fate::expired;
        case Settlement::dead_lettered:
            return wire::Fate::dead_lettered;
        case Settlement::lapsed:
        case Settlement::purged:
            return wire::Fate::lapsed;
        case Settlement::settled:
        case Settlement::filtered:
        case Settlement::moved:
            return wire::Fate::reached;
    }
    return wire::Fate::unknown;
}

}  // namespace

// `entries` of those that count have settled. Told once the custody is safe as well: an arrived
// message is never less than safe.
void Keeper::arrive(BatchId id, bool safe, std::uint32_t entries, wire::Fate fate) {
    const auto found = arrivals_.find(id);
    if (found == arrivals_.end()) return;
    Arrival& arrival = found->second;
    arrival.remaining -= entries;
    if (fate != wire::Fate::reached) arrival.fate = fate;
    if (arrival.remaining > 0 || !safe) return;
    if (const auto* producer = std::get_if<ProducerId>(&arrival.source->source()))
        awaited_.erase({*producer, arrival.number});
    arrived.push_back(arrival);
    arrivals_.erase(found);
}

// Copies of one message for several groups are apart, by their hash.
Keeper::MessageKey Keeper::copy_key(const wire::BatchHeader& header) {
    const std::uint64_t apart = header.group.empty() ? 0 : wire::order_hash(header);
    return {header.producer, header.sequence + apart};
}

std::shared_ptr<Custody> Keeper::find_unsafe(const wire::BatchHeader& copy) const {
    const auto found = unsafe_by_message_.find(copy_key(copy));
    return found == unsafe_by_message_.end() ? nullptr : found->second.lock();
}

void Keeper::forget_message(const Custody& custody) {
    const auto& header = custody.batch.header();
    const auto [first, last] = unsafe_by_message_.equal_range(copy_key(header));
    const auto self = std::find_if(
        first, last, [&](const auto& unsafe) { return unsafe.second.lock().get() == &custody; });
    if (self != last) unsafe_by_message_.erase(self);
}

void Keeper::note(Event::Kind what, const Custody& custody) {
    steps.note([&] {
        return Event{.kind = what,
                     .at = now_,
                     .subject = {},
                     .words = {},
                     .messages = custody.messages,
                     .batch = custody.batch};
    });
}

// Those that have no other word for it.
void Keeper::note_end(const Entry& entry, Settlement how) {
    if (how == Settlement::expired) note(Event::Kind::batch_expired, *entry.custody);
    if (how == Settlement::filtered) note(Event::Kind::batch_filtered, *entry.custody);
    if (how == Settlement::lapsed) note(Event::Kind::batch_lapsed, *entry.custody);
    if (how == Settlement::purged) note(Event::Kind::batch_purged, *entry.custody);
}

void Keeper::safe(Custody& custody) {
    --unsafe_;
    note(Event::Kind::batch_safe, custody);
    if (custody.is_final) forget_message(custody);
    for (Origin& origin : custody.origins) {
        const bool told = origin.intake->dirty;
        origin.intake->mark_safe(origin.number);
        if (!told) dirty_intakes.push_back(std::move(origin.intake));
    }
    custody.origins.clear();
    arrive(custody.id, custody.safe(), 0, wire::Fate::reached);
}

void Keeper::settle(const Entry& entry, Settlement how, SettledApart apart) {
    Custody& custody = *entry.custody;
    auto& owed = entry.owed();
    const auto [buried, moved] = apart;
    BUS_ASSERT(!owed.settled && owed.before + buried + moved <= entry.messages());
    if (entry.custody->counted)
        ledger.leave(owed.stream.to, entry.messages() - owed.before - buried - moved, how);
    if (buried > 0) ledger.leave(owed.stream.to, buried, Settlement::dead_lettered);
    if (moved > 0) ledger.leave(owed.stream.to, moved, Settlement::moved);
    if (steps.is_on()) note_end(entry, how);
    const bool was_safe = custody.safe();
    owed.settled = true;
    --custody.unsettled;
    const bool too_early =
        mutated(Mutation::deletion_overtakes_insert) && custody.place == Place::submitted;
    if ((custody.place != Place::memory || custody.maybe_on_disk) && !too_early)
        add_pending(Settle{owed.stream, custody.id}, now_ + limits::journal_idle_flush);
    if (!was_safe && custody.safe()) safe(custody);
    const bool counts = (owed.flags & entry_flag::arrival) != 0 && how != Settlement::moved;
    if (counts)
        arrive(custody.id, custody.safe(), 1,
               buried > 0 ? wire::Fate::dead_lettered : fate_of(how));
    custody.drop_spare_bytes();
}

Entry Keeper::cut(const Entry& entry, std::uint32_t first, std::uint32_t count) {
    const Custody& whole = *entry.custody;
    const Batch& batch = entry.batch();
    auto custody = std::make_shared<Custody>(
        entry.id(), *OwnedBatch::make(wire::cut_batch(batch.bytes(), batch.header(), first, count)),
        meter);
    custody->source = whole.source;
    custody->hops = whole.hops;
    custody->recovered = whole.recovered;
    custody->read_back = whole.read_back;
    custody->taken = whole.taken;
    custody->expires = whole.expires;
    custody->unsettled = 1;
    custody->owed.push_back({.stream = entry.owed().stream, .flags = entry.owed().flags});
    custody->whole = Custody::Whole{entry.custody, entry.slot, first};
    // Its receiver's word is waited for as well as that of the others.
    if (const auto found = arrivals_.find(entry.id());
        found != arrivals_.end() && entry.has(entry_flag::arrival))
        ++found->second.remaining;
    return Entry{std::move(custody), 0};
}

void Keeper::end_piece(const Entry& piece, Settlement how) {
    BUS_ASSERT(piece.is_piece() && !piece.owed().settled);
    piece.owed().settled = true;
    if (piece.has(entry_flag::arrival) && how != Settlement::moved)
        arrive(piece.id(), piece.whole().custody->safe(), 1, fate_of(how));
}

void Keeper::spare_bytes(const Entry& entry) {
    entry.owed().spare_bytes = true;
    entry.custody->drop_spare_bytes();
}

void Keeper::handed_out(const Entry& entry) {
    auto& flags = entry.owed().flags;
    if ((flags & entry_flag::arrival) == 0 || entry.batch().header().wants_consumed()) return;
    flags = static_cast<std::uint8_t>(flags & ~unsigned{entry_flag::arrival});
    arrive(entry.id(), entry.custody->safe(), 1, wire::Fate::reached);
}

void Keeper::progress(const Entry& entry, std::uint32_t done) {
    auto& owed = entry.owed();
    if (done <= owed.done) return;
    owed.done = done;
    if (entry.custody->place != Place::memory || entry.custody->maybe_on_disk)
        add_pending(Progress{owed.stream, entry.id(), done}, now_ + limits::journal_idle_flush);
}

Settlement Keeper::expire(const Entry& entry, std::uint32_t first, std::uint32_t count) {
    const auto& header = entry.batch().header();
    if (!policies.of(header.kind, header.channel).bury_expired) return Settlement::expired;
    bury(entry, first, count, "expired");
    return Settlement::dead_lettered;
}

void Keeper::bury(const Entry& entry, std::uint32_t first, std::uint32_t count, std::string reason,
                  const std::string& name, std::uint32_t attempts) {
    if (entry.custody->fleeting) return;  // whoever asked hears of it, or has heard no answer
    steps.note([&] {
        return Event{.kind = Event::Kind::batch_dead_lettered,
                     .at = now_,
                     .subject = name,
                     .words = reason,
                     .messages = count,
                     .batch = entry.batch(),
                     .destination = entry.owed().stream.to,
                     .first = first,
                     .attempt = attempts};
    });
    const StreamId stream = entry.owed().stream;
    // A queue that nothing was ever journaled of has to have a name there.
    if (const auto found = undeclared_.find(stream.to); found != undeclared_.end()) {
        change(PutDestination{found->second}, true);
        undeclared_.erase(found);
    }
    change(Bury{.stream = stream,
                .id = entry.id(),
                .batch = entry.batch(),
                .first = first,
                .count = count,
                .reason = std::move(reason),
                .wall_micros = wall_micros(now_),
                .name = name,
                .attempts = attempts,
                .taken_wall_micros = wall_micros(entry.custody->taken)},
           true);
    const auto& unsafe = entry.is_piece() ? entry.custody->whole->custody : entry.custody;
    ++unsafe->burials;
    buried_.push_back(unsafe);
}

// ---- What goes to the journal ------------------------------------------------------

void Keeper::want(const std::shared_ptr<Custody>& custody, Time due) {
    if (custody->place == Place::memory) due_.push({due, custody});
}

void Keeper::want_all() {
    std::priority_queue<Due> due;
    for (; !due_.empty(); due_.pop()) due.push({now_, due_.top().custody});
    due_ = std::move(due);
    if (!pending_.empty()) pending_due_ = now_;
}

void Keeper::change(Change change, bool urgent) {
    add_pending(std::move(change), urgent ? now_ : now_ + limits::journal_idle_flush);
}

void Keeper::add_pending(Change change, Time due) {
    pending_.push_back(std::move(change));
    pending_due_ = std::min(pending_due_, due);
}

void Keeper::forget_destination(DestinationId id) {
    undeclared_.erase(id);
    ledger.forget(id);
    change(DropDestination{id});
}

void Keeper::bury_destination(DestinationId id, const std::string& name,
                              const std::string& reason) {
    undeclared_.erase(id);
    ledger.close(id);
    change(
        DropDestination{.id = id, .reason = reason, .name = name, .wall_micros = wall_micros(now_)},
        true);
}

Time Keeper::next_due() const {
    if (in_flight_) return never;
    Time due = due_.empty() ? never : due_.top().at;
    if (last_values.has_changes()) due = now_;
    if (due != never) due = std::max(due, puts_not_before_);
    if (!pending_.empty()) due = std::min(due, pending_due_);
    return due == never ? never : std::max(due, not_before_);
}

std::optional<Transaction> Keeper::gather() {
    if (next_due() > now_) return std::nullopt;
    Transaction transaction;
    transaction.number = submitted_.next();
    in_flight_.emplace();
    in_flight_->number = transaction.number;
    if (now_ >= puts_not_before_) {
        gather_custodies(transaction);
        gather_last_values(transaction);
    }
    in_flight_->changes.swap(pending_);
    in_flight_->buried.swap(buried_);
    pending_due_ = never;
    if (!in_flight_->brings_data() && in_flight_->changes.empty()) {
        in_flight_.reset();  // all that was due has settled meanwhile
        return std::nullopt;
    }
    transaction.changes.insert(transaction.changes.end(), in_flight_->changes.begin(),
                               in_flight_->changes.end());
    add_marks(transaction);
    add_accounts(transaction);
    submitted_ = transaction.number;
    return transaction;
}

void Keeper::gather_custodies(Transaction& transaction) {
    gathered_bytes_ = 0;
    while (!due_.empty() && due_.top().at <= now_ &&
           gathered_bytes_ < limits::transaction_bytes_max &&
           transaction.changes.size() < limits::transaction_changes_max) {
        const auto custody = due_.top().custody.lock();
        due_.pop();
        if (custody) include(custody, transaction);
    }
}

// All of them: a mark may cover a batch that is safe with what is retained of it.
void Keeper::gather_last_values(Transaction& transaction) {
    in_flight_->last_values = last_values.take_changed();
    in_flight_->retained.swap(retained_);
    last_values.describe(in_flight_->last_values, transaction.changes);
}

// Takes the custody and all that its sources sent before it, as far as it is still unsafe.
void Keeper::include(const std::shared_ptr<Custody>& custody, Transaction& transaction) {
    std::vector<std::shared_ptr<Custody>> found{custody};
    while (!found.empty()) {
        const auto next = std::move(found.back());
        found.pop_back();
        if (next->place != Place::memory || next->settled()) continue;
        put(next, transaction);
        for (const Origin& origin : next->origins) {
            auto& mark = marks_[origin.intake.get()];
            const auto already = mark.second;
            mark.first = origin.intake;
            mark.second = std::max(mark.second, origin.number);
            if (already >= origin.number || mutated(Mutation::commit_out_of_order)) continue;
            origin.intake->for_each_unsafe(already, origin.number,
                                           [&](const std::shared_ptr<Custody>& earlier) {
                                               if (earlier->place == Place::memory)
                                                   found.push_back(earlier);
                                           });
        }
    }
}

void Keeper::declare_destinations(const Custody& custody, Transaction& transaction) {
    for (const auto& owed : custody.owed) {
        const auto found = undeclared_.find(owed.stream.to);
        if (owed.settled || found == undeclared_.end()) continue;
        transaction.changes.push_back(PutDestination{found->second});
        in_flight_->declared.push_back(found->second);
        undeclared_.erase(found);
    }
}

void Keeper::put(const std::shared_ptr<Custody>& custody, Transaction& transaction) {
    custody->place = Place::submitted;
    gathered_bytes_ += custody->bytes;
    declare_destinations(*custody, transaction);
    transaction.changes.push_back(Put{.id = custody->id,
                                      .batch = custody->batch,
                                      .expires_wall_micros = expires_wall(custody->expires),
                                      .owes = custody->unsettled,
                                      .source = custody->source,
                                      .taken_wall_micros = wall_micros(custody->taken),
                                      .owner = custody->owner});
    for (const auto& owed : custody->owed)
        if (!owed.settled)
            transaction.changes.push_back(Owe{.stream = owed.stream,
                                              .id = custody->id,
                                              .flags = owed.flags,
                                              .done = owed.done,
                                              .due_wall_micros = custody->due_wall_micros});
    if (custody->released)
        transaction.changes.push_back(Settle{custody->released->first, custody->released->second});
    if (custody->dead_letter.value > 0)
        transaction.changes.push_back(DropDeadLetter{custody->dead_letter});
    in_flight_->custodies.push_back(custody);
}

void Keeper::add_marks(Transaction& transaction) {
    for (auto& [raw, mark] : marks_) {
        auto& [intake, number] = mark;
        if (const auto* producer = std::get_if<ProducerId>(&intake->source())) {
            if (mutated(Mutation::producer_mark_ahead)) number = intake->taken();
            transaction.changes.push_back(ProducerMark{*producer, number, wall_micros(now_)});
        } else {
            const auto& peer = std::get<Intake::FromPeer>(intake->source());
            if (mutated(Mutation::peer_mark_ahead)) number = intake->taken();
            transaction.changes.push_back(PeerMark{peer.peer, peer.incarnation, number});
        }
        in_flight_->marks.push_back(mark);
    }
    marks_.clear();
}

void Keeper::add_accounts(Transaction& transaction) {
    for (const DestinationId id : ledger.take_changed())
        if (!is_service(id)) transaction.changes.push_back(ledger.account(id));
}

// ---- Its answers -------------------------------------------------------------------

void Keeper::on_committed(const Committed& answer) {
    space_ = answer.space;
    if (full_ && !space_.full) {  // it also says so when nothing is on its way
        full_ = false;
        puts_not_before_ = Time{};
    }
    if (!in_flight_ || answer.through < in_flight_->number) return;
    const InFlight done = std::move(*in_flight_);
    in_flight_.reset();
    committed_ = done.number;
    for (const auto& [intake, number] : done.marks) intake->mark_durable(number);
    for (const auto& custody : done.custodies) {
        const bool was_safe = custody->safe();
        custody->place = Place::journaled;
        custody->maybe_on_disk = false;
        for (const auto& owed : custody->owed) journaled_streams.insert(owed.stream);
        note(Event::Kind::batch_journaled, *custody);
        if (!was_safe) safe(*custody);
        custody->drop_spare_bytes();
    }
    copied(done.buried);
    copied(done.retained);
    // Settlements may succeed on a full disk; only data that got through, or room, ends it.
    if (full_ && space_.full && !done.brings_data()) return;
    full_ = space_.full;
    failing_ = false;
    puts_not_before_ = Time{};
}

void Keeper::copied(const std::vector<std::shared_ptr<Custody>>& custodies) {
    for (const auto& custody : custodies) {
        const bool was_safe = custody->safe();
        --custody->burials;
        if (!was_safe && custody->safe()) safe(*custody);
    }
}

void Keeper::on_failed(const Failed& answer) {
    space_ = answer.space;
    if (!in_flight_ || answer.number > in_flight_->number) return;
    const bool only_settlements = !in_flight_->brings_data();
    take_apart(false);
    if (answer.cause == Failed::Cause::full && !only_settlements) {
        // What settles makes room: it is tried at once, without new data.
        full_ = true;
        puts_not_before_ = now_ + limits::journal_retry;
        pending_due_ = pending_.empty() ? never : now_;
    } else {
        not_before_ = now_ + limits::journal_retry;
    }
}

void Keeper::on_undecided(const Undecided& answer) {
    space_ = answer.space;
    if (!in_flight_ || answer.number > in_flight_->number) return;
    take_apart(true);
    not_before_ = now_ + limits::journal_retry;
}

// Nothing of the transaction may be relied on: all of it is to be said again.
void Keeper::take_apart(bool maybe_on_disk) {
    failing_ = true;
    InFlight failed = std::move(*in_flight_);
    in_flight_.reset();
    failed.changes.insert(failed.changes.end(), std::make_move_iterator(pending_.begin()),
                          std::make_move_iterator(pending_.end()));
    pending_ = std::move(failed.changes);
    buried_.insert(buried_.end(), std::make_move_iterator(failed.buried.begin()),
                   std::make_move_iterator(failed.buried.end()));
    retained_.insert(retained_.end(), std::make_move_iterator(failed.retained.begin()),
                     std::make_move_iterator(failed.retained.end()));
    last_values.change_again(failed.last_values);
    pending_due_ = pending_.empty() ? never : now_;
    for (const Destination& destination : failed.declared)
        undeclared_[destination.id] = destination;
    for (const auto& custody : failed.custodies) {
        custody->place = Place::memory;
        custody->maybe_on_disk = custody->maybe_on_disk || maybe_on_disk;
        if (!custody->settled()) due_.push({now_, custody});
    }
}

// ---- Lifetimes and ages across a power-off run on this host's own wall clock --------------------

std::uint64_t Keeper::expires_wall(Time expires) const {
    return expires == never ? 0 : std::max<std::uint64_t>(1, wall_micros(expires));
}

Time Keeper::from_wall(std::uint64_t wall) const {
    const auto left = static_cast<std::int64_t>(wall - started_wall_micros_);
    return started_ + std::chrono::microseconds{left};
}

}  // namespace bus::core
