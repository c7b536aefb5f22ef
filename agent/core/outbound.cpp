#include "core/outbound.h"

#include <algorithm>

#include "base/mutation.h"

namespace bus::core {

using wire::Lane;

namespace {

std::uint64_t frame_bytes(const Batch& batch) {
    return wire::frame_charge(wire::envelope_length + batch.size());
}

constexpr std::uint8_t path_flags = entry_flag::resent | entry_flag::rerouted;

}  // namespace

// ---- The agents that are reached by it ---------------------------------------------------------

void Outbound::attach(Remote& remote) {
    remote.via = this;
    remotes_.push_back(&remote);
    wake(remote);
}

void Outbound::detach(Remote& remote) {
    remote.via = nullptr;
    remote.active = false;
    std::erase(remotes_, &remote);
    std::erase(active_, &remote);
}

void Outbound::touch() {
    if (!std::exchange(dirty_, true)) all_dirty_.push_back(this);
}

void Outbound::wake(Remote& remote) {
    touch();
    if (!std::exchange(remote.active, true)) active_.push_back(&remote);
}

void Outbound::wake_all() {
    for (Remote* remote : remotes_) wake(*remote);
    touch();
}

bool Outbound::offer_now(const Parcel& parcel, const Send& send) {
    const auto& header = parcel.batch.header();
    const auto bytes = frame_bytes(parcel.batch);
    if (!open_ || !flows_ || held_.everything() || held_.holds(header.kind, header.channel) ||
        loose_bytes_ + bytes > window_ / 4 + limits::frame_bytes_max || !is_free())
        return false;
    note(Event::Kind::batch_sent, parcel.batch);
    const std::uint64_t count = send(parcel);
    loose_.push_back({count, bytes});
    loose_bytes_ += bytes;
    if (is_bulk(header)) bulk_.on_sent(count, bytes, keeper_.now());
    rate_.spend(bytes, keeper_.now());
    return true;
}

// ---- The link session -------------------------------------------------------------------------

void Outbound::open(std::uint64_t peer_incarnation, std::uint64_t taken, std::uint64_t window,
                    const std::vector<wire::ChannelKey>& held) {
    open_ = true;
    peer_incarnation_ = peer_incarnation;
    window_ = window;
    held_.replace(held);
    bulk_.restart();
    held_.let_parts(true);
    loose_.clear();
    loose_bytes_ = 0;
    bytes_out_ = 0;
    resend_at_ = flights_.size();
    if (mutated(Mutation::numbers_restart_on_readd) && flights_.empty()) last_number_ = 0;
    for (std::size_t i = flights_.size(); i-- > 0;) {
        Flight& flight = flights_[i];
        flight.counted = !flight.done() && flight.number <= taken;
        if (flight.counted) bytes_out_ += flight.bytes;
        if (mutated(Mutation::hello_settles) && flight.counted) finish(flight);
        if (flight.number > taken) resend_at_ = i;
    }
    wake_all();
}

void Outbound::close() {
    open_ = false;
    bytes_out_ = 0;
}

void Outbound::let_flow(bool flows) {
    flows_ = flows || mutated(Mutation::ticket_unconfirmed);
    if (flows_) touch();
}

void Outbound::hold(const std::vector<wire::ChannelKey>& channels) {
    for (const auto& channel : channels) held_.hold(channel);
}

void Outbound::resume(const std::vector<wire::ChannelKey>& channels) {
    for (const auto& channel : channels) held_.resume(channel);
    if (!channels.empty()) wake_all();
}

Outbound::Flight* Outbound::find(std::uint64_t number) {
    const auto at = std::lower_bound(flights_.begin(), flights_.end(), number,
                                     [](const Flight& f, std::uint64_t n) { return f.number < n; });
    return at == flights_.end() || at->number != number ? nullptr : &*at;
}

const Entry& Outbound::Flight::entry() const {
    const auto at =
        std::find_if(carried.begin(), carried.end(), [](const Carried& one) { return !one.done; });
    BUS_ASSERT(at != carried.end());
    return at->entry;
}

// What comes from a queue travels alone.
Batch Outbound::Flight::as_sent() const {
    return Remote::as_sent(entry(), carried.size() == 1 ? carried.front().queue : nullptr);
}

// It is on its way no more; whoever owed it is told.
void Outbound::settle(Carried& carried, Settlement how) {
    carried.done = true;
    const Entry entry = std::exchange(carried.entry, {});
    if (carried.queue == nullptr || !carried.queue->decided_at_peer(entry, how))
        keeper_.settle(entry, how);
}

void Outbound::land(Flight& flight, Settlement how) {
    if (flight.counted) bytes_out_ -= flight.bytes;
    flight.counted = false;
    if (how == Settlement::settled) note_passed_on(flight);
    flight.open = 0;
    for (Carried& carried : flight.carried) {
        if (carried.done) continue;
        if (carried.to != neighbour_)
            pass_on(carried, how);
        else
            settle(carried, how);
    }
}

// To a relay, which answers for it from now on: it has not arrived. (A queue keeps the parts of its
// large messages itself.)
void Outbound::pass_on(Carried& carried, Settlement how) {
    const auto moved = how == Settlement::settled ? Settlement::moved : how;
    const auto& header = carried.entry.batch().header();
    if (header.part && !carried.entry.custody->fleeting) {
        const auto kept = carried.to->note_decided(carried.entry, carried.queue);
        if (!kept && moved == Settlement::moved && carried.queue == nullptr) {
            carried.done = true;
            return carried.to->keep_part(std::exchange(carried.entry, {}));
        }
        if (kept)
            for (const Entry& part : *kept) keeper_.settle(part, Settlement::moved);
    }
    settle(carried, moved);
}

// Whoever waits for the receipt `arrived` of it waits for the relay's word; for `consumed`, for the
// word of whoever has it.
void Outbound::note_passed_on(const Flight& flight) {
    if (flight.number == 0) return;  // it has not left
    std::uint32_t entries = 0;
    for (const Carried& carried : flight.carried) {
        if (carried.done || !carried.entry.has(entry_flag::arrival)) continue;
        if (carried.to == neighbour_) {
            if (!carried.entry.batch() || !carried.entry.batch().header().wants_consumed())
                continue;
            // It is settled here, and counts there.
            carried.entry.owed().flags &= static_cast<std::uint8_t>(~entry_flag::arrival);
        }
        ++entries;
    }
    if (entries > 0) passed_on_.add(flight.number, flight.entry().custody, entries);
    // An earlier incarnation of the relay took it, and has forgotten who waits.
    if (flight.sent_to != peer_incarnation_)
        passed_on_.arrived(flight.number, wire::Fate::unknown);
    else if (flight.arrived)
        passed_on_.arrived(flight.number, *flight.arrived);
}

void Outbound::on_arrived(const wire::LinkArrived& arrived) {
    for (const auto& one : arrived.batches) {
        if (Flight* const flight = find(one.number)) flight->arrived = one.fate;
        passed_on_.arrived(one.number, one.fate);
    }
}

void Outbound::finish(Flight& flight) {
    if (flight.done()) return;
    // From when it was taken, waiting included: a line that falls behind shows.
    const Custody& custody = *flight.entry().custody;
    settle_time_.sample(keeper_.now() - (custody.read_back ? flight.since : custody.taken));
    last_settled_ = keeper_.now();
    note(Event::Kind::batch_arrived, custody.batch);
    land(flight, Settlement::settled);
}

void Outbound::note(Event::Kind what, const Batch& batch, std::string_view words) const {
    keeper_.steps.note([&] {
        return Event{.kind = what,
                     .at = keeper_.now(),
                     .subject = neighbour_ == nullptr ? std::string{} : neighbour_->name,
                     .words = std::string{words},
                     .messages = batch ? batch.messages() : 0,
                     .batch = batch};
    });
}

void Outbound::drop_landed() {
    while (!flights_.empty() && flights_.front().done()) {
        flights_.pop_front();
        if (resend_at_ > 0) --resend_at_;
    }
}

bool Outbound::on_ack(const wire::LinkAck& ack) {
    if (ack.through > last_number_) return false;
    given_ = std::max(given_, ack.through);
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
    drop_landed();
    window_ = ack.window;
    while (!loose_.empty() && loose_.front().count <= ack.received) {
        loose_bytes_ -= loose_.front().bytes;
        loose_.pop_front();
    }
    bulk_.on_received(ack.received, keeper_.now());
    if (!held_.lets_parts() && parts_may_leave()) wake_all();
    touch();
    return true;
}

bool Outbound::on_refuse(std::uint64_t number, const std::string& reason) {
    Flight* const flight = find(number);
    if (flight == nullptr || flight->done()) return false;
    for (const Carried& carried : flight->carried)
        if (!carried.done)
            keeper_.bury(carried.entry, 0, carried.entry.messages(), reason, carried.to->name);
    land(*flight, Settlement::dead_lettered);
    touch();
    return true;
}

// ---- Other ways --------------------------------------------------------------------------------

template <class Wanted>
void Outbound::give_back_if(Wanted wanted) {
    BUS_ASSERT(!open_);
    for (Flight& flight : flights_)
        for (Carried& carried : flight.carried) {
            if (carried.done || !wanted(*carried.to)) continue;
            carried.done = true;
            --flight.open;
            carried.to->note_back(carried.entry, carried.queue);
            carried.to->take_back({std::exchange(carried.entry, {}), carried.queue});
            if (carried.to->via != nullptr) carried.to->via->wake(*carried.to);
        }
    drop_landed();
}

void Outbound::give_back(Remote& remote) {
    give_back_if([&](const Remote& to) { return &to == &remote; });
}

void Outbound::give_back_rerouted() {
    give_back_if([&](const Remote& to) { return to.via != this && to.via != nullptr; });
}

void Outbound::give_back_all() {
    give_back_if([](const Remote&) { return true; });
}

std::vector<Remote::Owed> Outbound::withdraw(const Remote& remote) {
    std::vector<Remote::Owed> owed;
    for (Flight& flight : flights_)
        for (Carried& carried : flight.carried) {
            if (carried.done || carried.to != &remote) continue;
            carried.done = true;
            owed.push_back({std::exchange(carried.entry, {}), carried.queue});
            if (--flight.open == 0 && std::exchange(flight.counted, false))
                bytes_out_ -= flight.bytes;
        }
    drop_landed();
    touch();
    return owed;
}

void Outbound::withdraw(const Group& queue, std::vector<Entry>& entries) {
    for (Flight& flight : flights_)
        for (Carried& carried : flight.carried) {
            if (carried.done || carried.queue != &queue) continue;
            carried.done = true;
            carried.to->note_back(carried.entry, carried.queue);
            entries.push_back(std::exchange(carried.entry, {}));
            if (--flight.open == 0 && std::exchange(flight.counted, false))
                bytes_out_ -= flight.bytes;
        }
    drop_landed();
    touch();
}

Run::Size Outbound::under_way_to(const Remote& remote, Of which) const {
    Run::Size all;
    for (const Flight& flight : flights_)
        for (const Carried& carried : flight.carried)
            if (!carried.done && carried.to == &remote &&
                (which == Of::everything || carried.queue == nullptr))
                all.add({1, carried.entry.messages(), carried.entry.bytes()});
    return all;
}

void Outbound::abandon(const Group& queue, const LargeMessage& message) {
    for (Flight& flight : flights_)
        for (Carried& carried : flight.carried) {
            if (carried.done || carried.queue != &queue) continue;
            const auto& header = carried.entry.batch().header();
            if (!header.part || header.producer != message.rest.producer ||
                header.part->first_sequence != message.rest.part.first_sequence)
                continue;
            carried.done = true;
            carried.entry = {};
            if (--flight.open == 0 && std::exchange(flight.counted, false))
                bytes_out_ -= flight.bytes;
        }
}

// ---- Sending
// --------------------------------------------------------------------------------------

bool Outbound::fits(std::uint64_t bytes) const {
    return bytes_out_ == 0 || bytes_out_ + bytes <= window_;
}

// What fills the window is not safe over there before it is on disk: others need not wait for it.
bool Outbound::parts_may_leave() const {
    const std::uint64_t share = window_ - window_ / limits::bulk_window_spared;
    return bulk_.has_room() && (bytes_out_ == 0 || bytes_out_ + limits::frame_bytes_max <= share);
}

bool Outbound::is_free() {
    waits_for_rate_ = !rate_.free(keeper_.now());
    return !waits_for_rate_;
}

void Outbound::pump(const Send& send) {
    dirty_ = false;
    if (!open_ || !flows_) return;
    resend(send);
    if (resend_at_ < flights_.size()) return;  // the window is full of what goes again
    while (!yields_ && send_next(send)) {
    }
    if (std::exchange(yields_, false)) touch();
}

// What had left before this session and was not taken: first, in number order, held or not.
void Outbound::resend(const Send& send) {
    for (; resend_at_ < flights_.size(); ++resend_at_) {
        Flight& flight = flights_[resend_at_];
        if (flight.done()) continue;
        if (!fits(flight.bytes) || !is_free()) return;
        if (is_bulk(flight.entry().batch().header()) && !bulk_.has_room()) return;
        send_flight(flight, true, send);
    }
}

bool Outbound::send_next(const Send& send) {
    held_.let_parts(parts_may_leave());
    while (!active_.empty()) {
        turn_ %= active_.size();
        Remote& remote = *active_[turn_];
        Entry* const front = remote.choose(held_);
        if (front != nullptr) return send_from(remote, *front, send);
        remote.active = false;
        active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(turn_));
    }
    return false;
}

// true: there may be more to send.
bool Outbound::send_from(Remote& remote, Entry& front, const Send& send) {
    if (!fits(frame_bytes(front.batch())) || !is_free()) return false;  // it keeps its turn
    ++turn_;
    const auto& header = front.batch().header();
    const bool is_passed =
        mutated(Mutation::held_number_passed) && held_.holds(header.kind, header.channel);
    Remote::Owed owed = remote.take();
    Flight flight{.bytes = frame_bytes(owed.entry.batch()), .open = 1};
    flight.carried.push_back({std::move(owed.entry), &remote, owed.queue});
    const Entry& entry = flight.carried.front().entry;
    if (&remote != neighbour_) remote.note_left(entry, owed.queue);
    if (entry.custody->expires <= keeper_.now()) {
        land(flight, keeper_.expire(entry));
        return true;
    }
    if (owed.queue == nullptr && remote.is_moot(entry)) {
        land(flight, Settlement::settled);
        return true;
    }
    if (owed.queue == nullptr) join_copies(flight);
    yields_ = owed.queue != nullptr && owed.queue->takers.size() > 1;
    flight.number = ++last_number_;
    flight.left_for = peer_incarnation_;
    flight.since = keeper_.now();
    flights_.push_back(std::move(flight));
    resend_at_ = flights_.size();
    if (!is_passed) send_flight(flights_.back(), false, send);
    return true;
}

// The same batch for other agents behind this link goes in the same frame, where its turn has come
// there as well.
void Outbound::join_copies(Flight& flight) {
    if (remotes_.size() == 1) return;
    const Custody& custody = *flight.carried.front().entry.custody;
    // Of what was read back from disk every stream has a custody of its own.
    const bool is_alone = !custody.read_back && custody.owed.size() == 1;
    if (is_alone) return;
    for (Remote* remote : active_) {
        if (flight.carried.size() >= wire::finals_max) return;
        if (remote != flight.carried.front().to) join(flight, *remote);
    }
}

void Outbound::join(Flight& flight, Remote& remote) {
    const Entry& first = flight.carried.front().entry;
    auto entry = remote.take_same(first.id(), first.batch().header().lane, held_);
    if (!entry) return;
    // One frame has one set of flags: what is doubtful for one is marked for all.
    const auto flags =
        static_cast<std::uint8_t>((first.owed().flags | entry->owed().flags) & path_flags);
    first.owed().flags |= flags;
    entry->owed().flags |= flags;
    ++flight.open;
    if (&remote != neighbour_) remote.note_left(*entry, nullptr);
    flight.carried.push_back({std::move(*entry), &remote, nullptr});
}

void Outbound::send_flight(Flight& flight, bool again, const Send& send) {
    const bool other_receiver = again && flight.left_for != peer_incarnation_ &&
                                !mutated(Mutation::resent_cleared_by_other_mark);
    const Entry& entry = flight.entry();
    Parcel parcel{.envelope = {.number = flight.number,
                               .lifetime_millis = keeper_.lifetime_left(*entry.custody),
                               .messages = entry.messages()},
                  .batch = flight.as_sent(),
                  .finals = {},
                  .source = entry.custody->source,
                  .hops = entry.custody->hops};
    bool resent = false, rerouted = false;
    for (const Carried& carried : flight.carried) {
        if (carried.done) continue;
        auto& flags = carried.entry.owed().flags;
        if (other_receiver || carried.entry.custody->recovered) flags |= entry_flag::resent;
        resent = resent || (flags & entry_flag::resent) != 0;
        rerouted = rerouted || (flags & entry_flag::rerouted) != 0;
        if (mutated(Mutation::resent_lost)) flags &= static_cast<std::uint8_t>(~entry_flag::resent);
        const bool is_all = flight.open == 1 && carried.to == neighbour_;
        if (!is_all) parcel.finals.push_back(carried.to->agent());
    }
    if (resent) parcel.envelope.flags |= wire::envelope_flag::resent;
    if (rerouted) parcel.envelope.flags |= wire::envelope_flag::rerouted;
    if (mutated(Mutation::resent_lost)) flight.left_for = peer_incarnation_;
    flight.sent_to = peer_incarnation_;
    flight.counted = true;
    bytes_out_ += flight.bytes;
    rate_.spend(flight.bytes, keeper_.now());
    note(Event::Kind::batch_sent, parcel.batch, again ? "again" : "");
    const std::uint64_t count = send(parcel);
    if (is_bulk(entry.batch().header())) bulk_.on_sent(count, flight.bytes, keeper_.now());
}

void Outbound::read_on(std::uint64_t memory_bytes_max, std::vector<ReadBack>& reads) {
    if (!open_) return;  // nothing can leave: what is on disk stays there
    for (Remote* remote : remotes_) remote->read_on(memory_bytes_max, held_, reads);
}

// ---- What others ask
// -----------------------------------------------------------------------------------

bool Outbound::settles_soon() const {
    if (!open_ || !flows_ || held_.everything() || resend_at_ < flights_.size() || waits_for_rate_)
        return false;
    // A full window is quick all the same, as long as it keeps moving.
    return bytes_out_ < window_ || keeper_.now() - last_settled_ < Duration{limits::grace_max};
}

Run::Size Outbound::under_way() const {
    Run::Size all;
    for (const Flight& flight : flights_)
        for (const Carried& carried : flight.carried)
            if (!carried.done) all.add({1, carried.entry.messages(), carried.entry.bytes()});
    return all;
}

Run::Size Outbound::backlog() const {
    Run::Size all = under_way();
    for (const Remote* remote : remotes_) all.add(remote->waiting());
    return all;
}

Time Outbound::oldest() const {
    Time oldest = never;
    for (const Remote* remote : remotes_) oldest = std::min(oldest, remote->oldest());
    for (const Flight& flight : flights_)
        if (!flight.done()) oldest = std::min(oldest, flight.entry().custody->taken);
    return oldest;
}

}  // namespace bus::core
