#include "core/remote.h"

#include <algorithm>

#include "core/outbound.h"
#include "wire/homed.h"

namespace bus::core {
Remote::Remote(Destination destination, Keeper& keeper)
    : destination_(std::move(destination)),
      keeper_(keeper),
      streams_{Stream{{destination_.id, wire::Lane::high}},
               Stream{{destination_.id, wire::Lane::normal}},
               Stream{{destination_.id, wire::Lane::low}},
               Stream{{destination_.id, wire::Lane::high}}} {}

void Remote::take_back(Owed owed) {
    owed.entry.owed().flags |= entry_flag::rerouted;
    const auto at =
        std::upper_bound(returned_.begin(), returned_.end(), owed.entry.id(),
                         [](BatchId id, const Owed& other) { return id < other.entry.id(); });
    returned_.insert(at, std::move(owed));
}

Entry* Remote::front(std::size_t source, const HeldChannels& held) {
    if (source < of_queues) {
        Stream& lane = streams_[source - of_lanes];
        Entry* entry = lane.front(held, begun_);
        for (; entry != nullptr && overdue_.take(entry->batch().header(), false);
             entry = lane.front(held, begun_))
            rests_.push_back(lane.pop());
        return entry != nullptr && held.stops(entry->batch().header()) ? nullptr : entry;
    }
    Group& queue = *queues[source - of_queues];
    Entry* const entry = queue.for_peer(this);
    if (entry == nullptr) return nullptr;
    const auto& header = entry->batch().header();
    if (held.stops(header)) return nullptr;
    const bool is_held = held.holds(header.kind, header.channel, queue.destination().name) &&
                         !queue.is_with_peer(header, this);
    return is_held ? nullptr : entry;
}

Entry* Remote::choose(const HeldChannels& held) {
    if (held.everything()) {  // what consumers of its homed queues decide makes room there
        showing_ = of_fleeting;
        Entry* const first = streams_[fleeting].first();
        const bool passes =
            first != nullptr &&
            wire::is_homed_channel(first->batch().header().kind, first->batch().header().channel);
        return passes ? first : nullptr;
    }
    if (!returned_.empty()) {
        showing_ = of_returned;
        if (Entry* const again = front_returned(held)) return again;
        if (recall_ || recalling_) return nullptr;
    }
    const std::size_t takers = 2 + queues.size();
    for (std::size_t tried = 0; tried < takers; ++tried) {
        const std::size_t at = (turn_ + tried) % takers;
        if (at == 0) {
            if (Entry* const own = front_of_lanes(held)) return own;
            continue;
        }
        showing_ = of_fleeting + at - 1;
        if (Entry* const entry = front(showing_, held)) return entry;
    }
    return nullptr;
}

Entry* Remote::front_of_lanes(const HeldChannels& held) {
    Entry* entry = nullptr;
    const auto lane = lanes_.next([&](wire::Lane one) {
        entry = front(of_lanes + static_cast<std::size_t>(one), held);
        return entry != nullptr;
    });
    if (lane) showing_ = of_lanes + static_cast<std::size_t>(*lane);
    return entry;
}

Entry* Remote::front_returned(const HeldChannels& held) {
    for (again_ = 0; again_ < returned_.size(); ++again_) {
        Entry& entry = returned_[again_].entry;
        if (!entry.batch()) {
            if (!recalling_) recall_ = recall_of(entry);
            return nullptr;
        }
        const auto& header = entry.batch().header();
        const Group* const queue = returned_[again_].queue;
        const bool is_held = queue == nullptr || !queue->is_shared()
                                 ? held.holds(header, begun_)
                                 : held.holds(header.kind, header.channel, queue->group());
        if (!is_held && !held.stops(header)) return &entry;
    }
    return nullptr;
}

Remote::Owed Remote::take() {
    if (showing_ == of_returned) {
        const auto at = returned_.begin() + static_cast<std::ptrdiff_t>(again_);
        Owed owed = std::move(*at);
        returned_.erase(at);
        begun_.note_left(owed.entry.batch().header());
        return owed;
    }
    if (showing_ == of_fleeting) {
        turn_ = 2;
        return {streams_[fleeting].pop(), nullptr};
    }
    if (showing_ < of_fleeting) {
        turn_ = 1;
        lanes_.pass(static_cast<wire::Lane>(showing_ - of_lanes));
        Entry entry = streams_[showing_ - of_lanes].pop();
        begun_.note_left(entry.batch().header());
        return {std::move(entry), nullptr};
    }
    turn_ = showing_ - of_queues + 3;
    Group& queue = *queues[showing_ - of_queues];
    Entry entry = queue.take_for_peer(queue.for_peer(this)->batch().header().lane, this);
    // It was pinned here, or an earlier incarnation may have handed it to a consumer of this host:
    // whoever gets it may see it twice, and what that agent has seen proves nothing about it.
    if (entry.has(entry_flag::pinned | entry_flag::resent) || entry.custody->recovered)
        entry.owed().flags |= entry_flag::rerouted;
    if (entry.has(entry_flag::pinned)) keeper_.seen.forget_moved(entry.batch().header());
    return {std::move(entry), &queue};
}

std::optional<Entry> Remote::take_same(BatchId batch, wire::Lane lane, const HeldChannels& held) {
    if (!returned_.empty()) return std::nullopt;
    const Entry* const front = stream(lane).front(held, begun_);
    if (front == nullptr || front->id() != batch) return std::nullopt;
    Entry entry = stream(lane).pop();
    begun_.note_left(entry.batch().header());
    return entry;
}

bool Remote::is_moot(const Entry& entry) const {
    const auto& header = entry.batch().header();
    const bool of_queue = header.kind == wire::Kind::queue || !header.group.empty();
    if (!of_queue || !is_abort(header)) return false;
    return std::any_of(queues.begin(), queues.end(), [&](Group* queue) {
        return queue->destination().name == header.address() && queue->is_with_peer(header, this);
    });
}

void Remote::abandon(const Group& queue, const LargeMessage& message) {
    half_way_.erase(
        {message.rest.producer, message.rest.part.first_sequence, std::string{queue.group()}});
    std::erase_if(returned_, [&](const Owed& owed) {
        if (owed.queue != &queue) return false;  // of its own stream: the bytes may be on disk only
        const auto& header = owed.entry.batch().header();
        return header.part && header.producer == message.rest.producer &&
               header.part->first_sequence == message.rest.part.first_sequence;
    });
}

void Remote::withdraw(const Group& queue, std::vector<Entry>& entries) {
    std::erase_if(returned_, [&](Owed& owed) {
        if (owed.queue == &queue) entries.push_back(std::move(owed.entry));
        return owed.queue == &queue;
    });
}

std::vector<Remote::Owed> Remote::return_to_queues() {
    const auto own = std::stable_partition(returned_.begin(), returned_.end(),
                                           [](const Owed& owed) { return owed.queue == nullptr; });
    std::vector<Owed> back(std::make_move_iterator(own), std::make_move_iterator(returned_.end()));
    returned_.erase(own, returned_.end());
    return back;
}

std::uint64_t Remote::take_all(std::vector<Owed>& entries) {
    begin_anew();
    for (Owed& owed : std::exchange(returned_, {})) entries.push_back(std::move(owed));
    for (Entry& entry : take_rests()) entries.push_back({std::move(entry), nullptr});
    std::uint64_t on_disk = 0;
    for (Stream& lane : streams_) {
        std::vector<Entry> own;
        on_disk += lane.take_all(own);
        for (Entry& entry : own) entries.push_back({std::move(entry), nullptr});
    }
    return on_disk;
}

void Remote::end_fleeting() {
    const auto is_over = [&](const Entry& entry) {
        return entry.custody->fleeting && entry.custody->expires <= keeper_.now();
    };
    std::vector<Entry> over;
    std::vector<ReadBack> none;  // nothing of it is on disk
    streams_[fleeting].take_front_if(is_over, over, none);
    for (const Entry& entry : over) keeper_.settle(entry, Settlement::expired);
    std::erase_if(returned_, [&](const Owed& owed) {
        if (!is_over(owed.entry)) return false;
        keeper_.settle(owed.entry, Settlement::expired);
        return true;
    });
}

// ---- Large messages ------------------------------------------------------------------------

LargeMessageKey Remote::key_as_sent(const Entry& part, const Group* queue) {
    LargeMessageKey key = key_of(part.batch().header());
    if (queue != nullptr) std::get<std::string>(key) = queue->group();
    return key;
}

void Remote::note_left(const Entry& entry, const Group* queue) {
    const auto& batch = entry.batch().header();
    if (!batch.part || entry.custody->fleeting) return;
    HalfWay& message = half_way_[key_as_sent(entry, queue)];
    ++message.under_way;
    message.moved = keeper_.now();
    message.last_left = message.last_left || is_last_part(batch);
}

void Remote::note_back(const Entry& entry, const Group* queue) {
    if (!entry.batch().header().part || entry.custody->fleeting) return;
    const auto found = half_way_.find(key_as_sent(entry, queue));
    if (found != half_way_.end() && found->second.under_way > 0) --found->second.under_way;
}

std::optional<std::vector<Entry>> Remote::note_decided(const Entry& part, const Group* queue) {
    note_back(part, queue);
    const auto found = half_way_.find(key_as_sent(part, queue));
    if (found == half_way_.end()) return std::vector<Entry>{};
    HalfWay& message = found->second;
    if (message.under_way > 0 || !message.last_left) return std::nullopt;
    auto kept = std::move(message.kept);
    half_way_.erase(found);
    return kept;
}

std::uint32_t Remote::parts_under_way() const {
    std::uint32_t parts = 0;
    for (const auto& [key, message] : half_way_) parts += message.under_way;
    return parts;
}

void Remote::keep_part(Entry entry) {
    auto& kept = half_way_.at(key_of(entry.batch().header())).kept;
    keeper_.spare_bytes(entry);
    kept.push_back(std::move(entry));
}

void Remote::forget_parts(Time before) {
    std::erase_if(half_way_, [&](const auto& entry) {
        const HalfWay& message = entry.second;
        if (message.under_way > 0 || message.moved > before) return false;
        for (const Entry& part : message.kept) keeper_.settle(part, Settlement::moved);
        return true;
    });
}

void Remote::begin_anew() {
    begun_.clear();
    for (auto& [key, message] : std::exchange(half_way_, {}))
        for (Entry& part : message.kept) {
            part.owed().spare_bytes = false;  // on its way it is asked for its header
            take_back({std::move(part), nullptr});
        }
}

void Remote::on_recalled(const Loaded& answer) {
    recalling_ = false;
    const BatchId asked = answer.request.after.next();
    std::map<BatchId, const LoadedEntry*> rows;
    for (const LoadedEntry& row : answer.entries) rows[row.id] = &row;
    std::erase_if(returned_, [&](const Owed& owed) {
        const Entry& entry = owed.entry;
        const auto row = rows.find(entry.id());
        if (entry.batch() || entry.owed().stream != answer.request.stream) return false;
        if (row != rows.end() && row->second->batch) {
            entry.custody->restore(row->second->batch);
            return false;
        }
        if (row == rows.end() && entry.id() != asked) return false;
        keeper_.settle(entry, Settlement::purged);  // damaged: the journal has named it
        return true;
    });
}

std::vector<Entry> Remote::take_overdue(Time before, std::vector<ReadBack>& reads) {
    std::vector<Entry> taken;
    const auto is_overdue = [&](const Entry& entry) {
        return entry.journaled() &&
               overdue_.take(entry.batch().header(), entry.custody->taken < before);
    };
    for (Stream& lane : streams_) lane.take_front_if(is_overdue, taken, reads);
    return taken;
}

std::vector<Entry> Remote::take_old(const Run::Search& search, std::vector<ReadBack>& reads) {
    std::vector<Entry> taken;
    const auto goes = [&](const Entry& entry) {
        return overdue_.take(entry.batch().header(), true);
    };
    for (Stream& lane : streams_) lane.take_old(search, goes, taken, reads);
    return taken;
}

std::vector<Entry> Remote::take_old(const Loaded& answer, const Run::Search& search) {
    std::vector<Entry> taken;
    const auto goes = [&](const LoadedEntry& row) {
        return search.is_old(row) && overdue_.take(row.batch.header(), true);
    };
    stream(answer.request.stream.lane).loaded_old(answer, goes, keeper_, taken);
    return taken;
}

// ---- The journal ------------------------------------------------------------------------------

void Remote::on_loaded(const Loaded& answer) {
    if (answer.request.recall) return on_recalled(answer);
    stream(answer.request.stream.lane).on_loaded(answer, keeper_);
}

void Remote::trim(std::uint64_t memory_bytes_max) {
    for (Stream& lane : streams_) lane.trim(memory_bytes_max);
}

void Remote::read_on(std::uint64_t memory_bytes_max, const HeldChannels& held,
                     std::vector<ReadBack>& reads) {
    if (recall_) {
        reads.push_back(*std::exchange(recall_, std::nullopt));
        recalling_ = true;
    }
    for (Stream& lane : streams_) lane.read_on(memory_bytes_max, held, reads);
}

bool Remote::settles_soon() const {
    if (via == nullptr || !returned_.empty() || !via->settles_soon()) return false;
    return std::none_of(streams_.begin(), streams_.end(),
                        [](const Stream& lane) { return lane.spilled(); });
}

Run::Size Remote::waiting() const {
    Run::Size all;
    for (const Stream& lane : streams_) all.add(lane.size());
    for (const Owed& owed : returned_) all.add({1, owed.entry.messages(), owed.entry.bytes()});
    for (const Entry& entry : rests_) all.add({1, entry.messages(), entry.bytes()});
    for (const auto& [key, message] : half_way_)
        for (const Entry& part : message.kept) all.add({1, part.messages(), part.bytes()});
    return all;
}

std::uint64_t Remote::queued_bytes() const {
    std::uint64_t bytes = 0;
    for (const Stream& lane : streams_) bytes += lane.size().bytes;
    return bytes;
}

Time Remote::oldest() const {
    Time oldest = returned_.empty() ? never : returned_.front().entry.custody->taken;
    for (const Stream& lane : streams_) oldest = std::min(oldest, lane.oldest());
    return oldest;
}

}  // namespace bus::core
