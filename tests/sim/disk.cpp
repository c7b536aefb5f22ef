#include "disk.h"

#include <algorithm>

namespace bus::sim {

using namespace core;

void Disk::apply(const Transaction& transaction) {
    for (const auto& change : transaction.changes)
        std::visit([this](const auto& which) { apply(which); }, change);
}

void Disk::start(AgentId agent, std::uint64_t incarnation) {
    agent_ = agent;
    incarnation_ = incarnation;
}

void Disk::apply(const Put& put) {
    last_batch_ = std::max(last_batch_, put.id);
    const auto [at, fresh] = rows_.try_emplace(
        put.id,
        Row{put.batch, put.expires_wall_micros, put.source, put.taken_wall_micros, put.owner, {}});
    if (!fresh) return;
    const auto& header = put.batch.header();
    for (std::uint32_t i = 0; i < header.message_count; ++i)
        by_sequence_[{header.producer, header.sequence + i}].insert(put.id);
    live_bytes_ += put.batch.size();
}

void Disk::apply(const Owe& owe) {
    const auto row = rows_.find(owe.id);
    if (row == rows_.end()) return;  // damaged meanwhile
    row->second.owed_to.insert(owe.stream);
    streams_[owe.stream].try_emplace(owe.id, Entry{owe.flags, owe.done, owe.due_wall_micros});
}

void Disk::settle(StreamId stream, BatchId id) {
    const auto row = rows_.find(id);
    if (row == rows_.end() || row->second.owed_to.erase(stream) == 0) return;
    streams_[stream].erase(id);
    if (streams_[stream].empty()) streams_.erase(stream);
    if (!row->second.owed_to.empty()) return;
    const auto& header = row->second.batch.header();
    for (std::uint32_t i = 0; i < header.message_count; ++i) {
        const auto same = by_sequence_.find({header.producer, header.sequence + i});
        same->second.erase(id);
        if (same->second.empty()) by_sequence_.erase(same);
    }
    live_bytes_ -= row->second.batch.size();
    rows_.erase(row);
}

void Disk::apply(const Settle& change) { settle(change.stream, change.id); }

void Disk::apply(const Progress& progress) {
    const auto stream = streams_.find(progress.stream);
    if (stream == streams_.end()) return;
    const auto entry = stream->second.find(progress.id);
    if (entry != stream->second.end())
        entry->second.done = std::max(entry->second.done, progress.done);
}

void Disk::apply(const PeerMark& mark) { peer_marks_[mark.peer] = mark; }
void Disk::apply(const ProducerMark& mark) {
    const auto [at, fresh] = producer_marks_.try_emplace(mark.producer, mark);
    at->second.number = std::max(at->second.number, mark.number);
    at->second.wall_micros = mark.wall_micros;
}
void Disk::apply(const GiveUp& give_up) {
    given_up_[give_up.producer].insert(give_up.first_sequence);
}
void Disk::apply(const DropProducerMark& drop) {
    producer_marks_.erase(drop.producer);
    given_up_.erase(drop.producer);
}

void Disk::apply(const PutDestination& put) {
    last_destination_ = std::max(last_destination_, put.destination.id);
    destinations_[put.destination.id] = put.destination;
}

void Disk::apply(const DropDestination& drop) {
    for (std::size_t lane = 0; lane < wire::lane_count; ++lane) {
        const StreamId stream{drop.id, static_cast<wire::Lane>(lane)};
        while (streams_.contains(stream)) {
            const auto [id, entry] = *streams_[stream].begin();
            if (!drop.reason.empty())
                apply(Bury{.stream = stream,
                           .id = id,
                           .batch = {},
                           .first = entry.done,
                           .count = rows_.at(id).batch.messages() - entry.done,
                           .reason = drop.reason,
                           .wall_micros = drop.wall_micros,
                           .name = drop.name});
            settle(stream, id);
        }
    }
    destinations_.erase(drop.id);
    gaps_.erase(drop.id);
}

void Disk::apply(const PutInterest& put) {
    interest_[{put.peer, {put.kind, put.name, put.filter, put.group}}] = put;
}
void Disk::apply(const DropInterest& drop) {
    interest_.erase({drop.peer, {drop.kind, drop.name, drop.filter, drop.group}});
}
void Disk::apply(const PutTombstone& put) {
    tombstones_[{put.kind, put.name, put.filter, put.group}] = put;
}
void Disk::apply(const DropTombstone& drop) {
    tombstones_.erase({drop.kind, drop.name, drop.filter, drop.group});
}
void Disk::apply(const PutPeer& put) { peers_[put.id] = put; }
void Disk::apply(const DropPeer& drop) {
    peers_.erase(drop.id);
    peer_marks_.erase(drop.id);
    std::erase_if(interest_, [&](const auto& kept) { return kept.first.first == drop.id; });
}
void Disk::apply(const PutGaps& put) { gaps_[put.destination] = put; }

void Disk::apply(const PutLastValue& put) {
    const std::string channel{put.batch.header().channel};
    std::erase(last_values_by_age_, channel);
    last_values_by_age_.push_back(channel);
    last_values_.insert_or_assign(channel, put);
}

void Disk::apply(const DropLastValue& drop) {
    std::erase(last_values_by_age_, drop.channel);
    last_values_.erase(drop.channel);
}
void Disk::apply(const Account& account) { accounts_[account.destination] = account; }
void Disk::apply(const Bury& bury) {
    Batch batch = bury.batch;
    if (!batch) {  // its bytes are in the batch's own row
        const auto row = rows_.find(bury.id);
        if (row == rows_.end() || row->second.damaged) return;
        batch = row->second.batch;
    }
    const auto [at, fresh] = buried_.try_emplace({bury.stream, bury.id, bury.first});
    if (!fresh) return;
    at->second = last_dead_letter_ = last_dead_letter_.next();
    const auto cut =
        OwnedBatch::make(wire::cut_batch(batch.bytes(), batch.header(), bury.first, bury.count));
    const auto& header = cut->header();
    DeadLetter letter{.id = at->second,
                      .destination = bury.stream.to,
                      .name = bury.name,
                      .agent = {},
                      .lane = bury.stream.lane,
                      .channel = {header.kind, std::string{header.channel}},
                      .producer = header.producer,
                      .sequence = header.sequence,
                      .messages = bury.count,
                      .bytes = cut->size(),
                      .part = header.part,
                      .group = std::string{batch.header().group},
                      .attempts = bury.attempts,
                      .taken_wall_micros = bury.taken_wall_micros,
                      .buried_wall_micros = bury.wall_micros,
                      .reason = bury.reason,
                      .batch = for_group(*cut, batch.header().group)};
    if (const auto to = destinations_.find(bury.stream.to); to != destinations_.end()) {
        letter.type = to->second.type;
        letter.agent = to->second.agent;
        if (letter.name.empty()) letter.name = to->second.name;
    }
    dead_letters_.emplace(letter.id, std::move(letter));
}
void Disk::apply(const DropDeadLetter& drop) {
    if (dead_letters_.erase(drop.id) == 0) return;
    std::erase_if(buried_, [&](const auto& kept) { return kept.second == drop.id; });
}

bool Disk::is_meant(const DeadLetterFilter& filter, const DeadLetter& letter) const {
    if (letter.id <= filter.after || letter.id > filter.through || !filter.covers(letter))
        return false;
    return filter.ids.empty() ||
           std::any_of(filter.ids.begin(), filter.ids.end(), [&](const DeadLetterId id) {
               const auto asked = dead_letters_.find(id);
               return asked != dead_letters_.end() &&
                      (id == letter.id || asked->second.is_of_same_message(letter));
           });
}

bool Disk::has_rest(const DeadLetter& letter) const {
    if (!letter.part) return true;
    std::set<std::uint32_t> behind;
    for (const auto& [id, other] : dead_letters_)
        if (other.is_of_same_message(letter) && other.part->index > letter.part->index)
            behind.insert(other.part->index);
    return behind.size() + 1 == letter.part->total - letter.part->index;
}

DeadLettersFound Disk::find(const FindDeadLetters& request) const {
    DeadLettersFound found{.request = request, .letters = {}, .totals = {}, .last = true};
    std::uint64_t bytes = 0;
    for (const auto& [id, letter] : dead_letters_) {
        if (!is_meant(request.filter, letter)) continue;
        if (request.totals) {
            found.count(letter);
            continue;
        }
        const bool enough =
            found.letters.size() >= request.letters_max || bytes >= request.bytes_max;
        if (enough && !found.letters.empty()) {
            found.last = false;
            break;
        }
        bytes += letter.bytes;
        found.letters.push_back(letter);
        if (request.with_batches)
            found.letters.back().has_rest = has_rest(letter);
        else
            found.letters.back().batch = {};
    }
    return found;
}

Recovered Disk::recovered() const {
    Recovered found;
    found.agent = agent_;
    found.incarnation = incarnation_;
    found.last_batch = last_batch_;
    found.last_destination = last_destination_;
    for (const auto& [id, destination] : destinations_) found.destinations.push_back(destination);
    for (const auto& [id, stream] : streams_) {
        Recovered::Stream total{.id = id, .entries = stream.size()};
        total.first = stream.begin()->first;
        total.last = stream.rbegin()->first;
        total.oldest_wall_micros = rows_.at(total.first).taken_wall_micros;
        for (const auto& [batch, entry] : stream) {
            total.messages += rows_.at(batch).batch.messages() - entry.done;
            total.bytes += rows_.at(batch).batch.size();
        }
        found.streams.push_back(total);
    }
    for (const auto& [id, peer] : peers_) found.peers.push_back(peer);
    for (const auto& [id, mark] : peer_marks_) found.peer_marks.push_back(mark);
    for (const auto& [id, mark] : producer_marks_) found.producer_marks.push_back(mark);
    for (const auto& [producer, messages] : given_up_)
        for (const auto first : messages) found.given_up.push_back({producer, first});
    found.interest = interest();
    for (const auto& [key, tombstone] : tombstones_) found.tombstones.push_back(tombstone);
    for (const auto& [id, gaps] : gaps_) found.gaps.push_back(gaps);
    for (const auto& channel : last_values_by_age_)
        found.last_values.push_back(last_values_.at(channel));
    found.space.live_bytes = live_bytes_;
    return found;
}

std::vector<PutInterest> Disk::interest() const {
    std::vector<PutInterest> all;
    for (const auto& [key, interest] : interest_) all.push_back(interest);
    return all;
}

// By when they are due, from the place in that order that is asked for.
std::vector<std::pair<BatchId, Disk::Entry>> Disk::in_order(const ReadBack& request) const {
    const auto stream = streams_.find(request.stream);
    if (stream == streams_.end()) return {};
    if (!request.due_wall_micros)
        return {stream->second.upper_bound(request.after), stream->second.end()};
    std::vector<std::pair<BatchId, Entry>> found;
    for (const auto& [id, entry] : stream->second)
        if (std::pair{entry.due_wall_micros, id} >=
            std::pair{*request.due_wall_micros, request.after})
            found.emplace_back(id, entry);
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return a.second.due_wall_micros < b.second.due_wall_micros;
    });
    return found;
}

Loaded Disk::read(const ReadBack& request, Damaged& damaged) {
    Loaded loaded{.request = request, .entries = {}, .last = true};
    std::vector<BatchId> lost;
    std::uint64_t bytes = 0;
    const auto entries = in_order(request);
    auto at = entries.begin();
    for (; at != entries.end(); ++at) {
        const Row& row = rows_.at(at->first);
        const auto& header = row.batch.header();
        if (request.channel && *request.channel != wire::order_hash(header)) continue;
        if (request.old) {
            if (!request.old->channels.covers(header.kind, header.channel)) continue;
            if (row.taken_wall_micros >= request.old->before_wall_micros) {
                loaded.next_taken_wall_micros = row.taken_wall_micros;
                break;
            }
        }
        if (bytes >= request.bytes && !loaded.entries.empty()) {
            loaded.last = false;
            break;
        }
        LoadedEntry entry{.id = at->first, .batch = row.batch, .flags = at->second.flags};
        entry.done = at->second.done;
        entry.messages = row.batch.messages();
        entry.source = row.source;
        entry.owner = row.owner;
        entry.taken_wall_micros = row.taken_wall_micros;
        entry.due_wall_micros = at->second.due_wall_micros;
        entry.expires_wall_micros = row.expires_wall_micros;
        if (row.damaged) {
            entry.batch = {};
            lost.push_back(at->first);
            damaged.lost.push_back({request.stream, at->first, at->first, row.batch.messages()});
        } else {
            bytes += row.batch.size();
        }
        loaded.entries.push_back(std::move(entry));
    }
    if (at != entries.begin()) loaded.looked_at = std::prev(at)->first;
    for (const auto id : lost) settle(request.stream, id);
    if (!lost.empty()) damaged.reason = "a row fails its checksum";
    return loaded;
}

core::Watched::Total Disk::total_of(const core::Watch::Of& of) const {
    core::Watched::Total total;
    for (const auto& [id, row] : rows_) {
        const auto& header = row.batch.header();
        if (!of.channels.covers(header.kind, header.channel)) continue;
        if (of.owner != 0 && of.owner != row.owner) continue;
        total.bytes += row.batch.size();
        total.messages += header.message_count;
    }
    return total;
}

void Disk::spoil(BatchId id) {
    if (const auto row = rows_.find(id); row != rows_.end()) row->second.damaged = true;
}

std::vector<const Disk::Row*> Disk::rows_of(const ProducerId& producer,
                                            std::uint64_t sequence) const {
    std::vector<const Row*> found;
    const auto at = by_sequence_.find({producer, sequence});
    if (at == by_sequence_.end()) return found;
    for (const auto id : at->second) found.push_back(&rows_.at(id));
    return found;
}

bool Disk::holds(const ProducerId& producer, std::uint64_t sequence) const {
    const auto rows = rows_of(producer, sequence);
    return std::any_of(rows.begin(), rows.end(), [](const Row* row) { return !row->damaged; });
}

}  // namespace bus::sim
