// What of it is on disk: trimmed, read on, recalled, searched, purged.

#include "core/group.h"

namespace bus::core {

void Group::trim(std::uint64_t memory_bytes_max) {
    for (Run& lane : runs_) lane.trim(memory_bytes_max);
}

void Group::read_on_if_wanted(std::uint64_t memory_bytes_max, bool for_peer,
                              std::vector<ReadBack>& reads) {
    if (recall_) reads.push_back(*std::exchange(recall_, std::nullopt));
    if ((consumers_.empty() || is_paused()) && !for_peer) return;
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
    const bool on_disk = std::any_of(runs_.begin(), runs_.end(),
                                     [](const Run& lane) { return lane.on_disk().messages > 0; });
    if (on_disk) keeper_.forget_arrivals(id());
    for (Run& lane : runs_) {
        keeper_.ledger.leave(id(), lane.on_disk().messages, Settlement::purged);
        lane.drop_disk();
        while (lane.front() != nullptr) keeper_.settle(lane.pop(), Settlement::purged);
    }
    for (const auto& [batch, out] : out_) keeper_.settle(out.entry, Settlement::purged, out.apart);
    large_.clear();
    out_.clear();
    ready_.clear();
    resting_.clear();
    turns_.clear();
    parked_.clear();
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
        if (at == out_.end() || at->second.entry.batch() || !is_awaited(row.id)) continue;
        if (row.batch)
            at->second.entry.custody->restore(row.batch);
        else
            lose(at);
    }
    const auto at = out_.find(asked);
    if (!found && at != out_.end() && !at->second.entry.batch()) lose(at);
}

// It went out before, and is damaged in the journal now, which has named it. Of a large message
// whoever joins the others finds the gap; without its beginning nobody would.
void Group::lose(std::map<BatchId, Out>::iterator at) {
    LargeMessage* const large = at->second.large;
    forget_work(at->first);
    at->second.how = Settlement::purged;
    if (large == nullptr) return settle(at);
    const bool is_beginning = large->parts.front() == at->first;
    std::erase(large->parts, at->first);
    if (at->second.remaining > 0) --large->undecided;
    settle(at);
    if (is_beginning)
        bury_whole(*large, "the beginning of this large message is damaged in the journal");
    else if (large->is_decided())
        settle_whole(*large);
}

}  // namespace bus::core
