// An ordered run of entries that may be longer than memory: the front is here,
// what lies behind it only in the journal, and behind that, for a moment, what
// is on its way there. A backlog of 10 GB costs no more memory than one of 10 MB.
//
//     front() -> [ memory ][ on disk only ][ tail: not journaled yet ] <- push()
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "core/custody.h"
#include "core/journal.h"
#include "limits.h"

namespace bus::core {

class Run {
  public:
    struct Size {
        std::uint64_t entries = 0, messages = 0, bytes = 0;
        void add(const Size& other) {
            entries += other.entries;
            messages += other.messages;
            bytes += other.bytes;
        }
    };

    explicit Run(StreamId stream, std::optional<std::uint64_t> channel = std::nullopt)
        : stream_(stream), channel_(channel) {}

    // At start: what the journal holds of it, of which nothing was taken before `oldest`.
    void recover(const Recovered::Stream& found, Time oldest);

    void push(Entry entry);
    // In memory. nullptr: empty, or still on its way back from disk.
    Entry* front() { return memory_.empty() ? nullptr : &memory_.front(); }
    Entry pop();

    // Entries are on disk now: those behind the memory that this run may use leave it.
    void trim(std::uint64_t memory_bytes_max);
    // A request if it is time to read on.
    std::optional<ReadBack> read_on(std::uint64_t memory_bytes_max);
    // `make` turns a LoadedEntry into an Entry; damaged ones never reach it.
    template <class Make, class Lost>
    void loaded(const Loaded& answer, Make make, Lost lost);

    // ---- What has waited too long, wherever it stands.
    struct Search {
        std::uint32_t bound = 0;  // its number
        const ChannelFilter* channels = nullptr;
        Time before{};
        std::uint64_t before_wall_micros = 0, now_wall_micros = 0;
        bool is_old(const LoadedEntry& row) const {
            return row.taken_wall_micros < before_wall_micros;
        }
    };
    // Takes out of memory what was taken before that time on those channels, is journaled and
    // `wanted`. What is on disk only is asked for, if none before it is too young.
    template <class Wanted>
    void take_old(const Search& search, Wanted wanted, std::vector<Entry>& taken,
                  std::vector<ReadBack>& reads);
    // The answer to that.
    template <class Wanted, class Make, class Lost>
    void loaded_old(const Loaded& answer, Wanted wanted, Make make, Lost lost,
                    std::vector<Entry>& taken);
    // The journal does not know yet what was taken out: nothing is read back until it does.
    void pause() { paused_ = true; }
    void go_on() { paused_ = false; }
    bool is_paused() const { return paused_; }
    // Everything is looked at again.
    void forget_searches() { searches_.clear(); }

    // Nothing will come back: entries that are on disk only are given up (their stream is dropped).
    void drop_disk() { tail_to_memory(); }

    bool empty() const { return memory_.empty() && disk_.entries == 0 && tail_.empty(); }
    // Everything beyond the front is elsewhere: what comes now cannot leave soon.
    bool spilled() const { return disk_.entries > 0; }
    Size size() const;
    const Size& on_disk() const { return disk_; }
    std::uint64_t memory_bytes() const { return memory_bytes_; }
    // Nothing in it was taken before; never: it is empty.
    Time oldest() const;
    template <class Visit>
    void for_each_in_memory(Visit visit) const {
        for (const Entry& entry : memory_) visit(entry);
        for (const Entry& entry : tail_) visit(entry);
    }

  private:
    void count_to_disk(const Entry& entry);
    void count_off_disk(const LoadedEntry& entry);
    void count_out_of_memory(const Entry& entry);
    BatchId last_in_memory() const { return memory_.empty() ? popped_ : memory_.back().id(); }
    void begin_on_disk(std::uint64_t memory_bytes_max);
    void tail_to_disk();
    void tail_to_memory();

    const StreamId stream_;
    const std::optional<std::uint64_t> channel_;
    std::deque<Entry> memory_;
    std::uint64_t memory_bytes_ = 0;
    Size disk_;
    BatchId disk_last_;  // nothing behind it is ours on disk
    Time disk_since_{};  // nothing of it was taken before
    BatchId popped_;     // the last that left by the front
    std::deque<Entry> tail_;
    Size tail_size_, memory_size_;
    bool reading_ = false;
    // How far it was searched, by the number of the bound.
    struct Searched {
        BatchId through;
        std::uint64_t due_wall_micros = 0;  // what is on disk was taken then, or later
    };
    std::map<std::uint32_t, Searched> searches_;
    bool searching_ = false;  // an answer is on its way
    bool paused_ = false;
};

template <class Make, class Lost>
void Run::loaded(const Loaded& answer, Make make, Lost lost) {
    reading_ = false;
    const BatchId after = last_in_memory();
    for (const LoadedEntry& entry : answer.entries) {
        // Behind disk_last_: journaled, but an earlier one of the tail is not yet; it comes again.
        if (entry.id <= after || entry.id > disk_last_ || disk_.entries == 0) continue;
        count_off_disk(entry);
        if (!entry.batch) {
            lost(entry);
            continue;
        }
        Entry made = make(entry);
        memory_bytes_ += made.bytes();
        memory_size_.add({1, made.messages(), made.bytes()});
        disk_since_ = made.custody->taken;  // what is behind it came later
        memory_.push_back(std::move(made));
    }
    // What was counted is in the journal, so if nothing is behind this answer and something is
    // still counted, its rows are damaged: the journal has named them (Damaged).
    if (answer.last && disk_.entries > 0) {
        lost(LoadedEntry{.messages = static_cast<std::uint32_t>(disk_.messages)});
        disk_ = {};
    }
    if (disk_.entries == 0) tail_to_memory();
}

template <class Wanted>
void Run::take_old(const Search& search, Wanted wanted, std::vector<Entry>& taken,
                   std::vector<ReadBack>& reads) {
    if (searching_ || paused_ || (memory_.empty() && !spilled())) return;
    Searched& searched = searches_[search.bound];
    auto at = std::partition_point(memory_.begin(), memory_.end(), [&](const Entry& entry) {
        return entry.id() <= searched.through;
    });
    auto kept = at;
    for (; at != memory_.end() && at->journaled() && at->custody->taken < search.before; ++at) {
        searched.through = at->id();
        const auto& header = at->batch().header();
        if (search.channels->covers(header.kind, header.channel) && wanted(*at)) {
            count_out_of_memory(*at);
            taken.push_back(std::move(*at));
        } else {
            if (kept != at) *kept = std::move(*at);
            ++kept;
        }
    }
    const bool all_old = at == memory_.end();
    memory_.erase(kept, at);
    if (!all_old || !spilled() || reading_) return;
    if (searched.due_wall_micros >= search.before_wall_micros) return;
    searching_ = true;
    searched.due_wall_micros = search.now_wall_micros;  // what comes from now on is younger
    reads.push_back({.stream = stream_,
                     .after = std::max(searched.through, last_in_memory()),
                     .bytes = limits::stream_read_back,
                     .channel = channel_,
                     .old = ReadBack::Old{.channels = *search.channels,
                                          .before_wall_micros = search.before_wall_micros,
                                          .bound = search.bound}});
}

template <class Wanted, class Make, class Lost>
void Run::loaded_old(const Loaded& answer, Wanted wanted, Make make, Lost lost,
                     std::vector<Entry>& taken) {
    searching_ = false;
    for (const LoadedEntry& entry : answer.entries) {
        if (entry.id > disk_last_ || disk_.entries == 0) continue;
        if (entry.batch && !wanted(entry)) continue;
        count_off_disk(entry);
        if (entry.batch)
            taken.push_back(make(entry));
        else
            lost(entry);
    }
    Searched& searched = searches_[answer.request.old->bound];
    searched.through = std::max(searched.through, std::min(answer.looked_at, disk_last_));
    std::uint64_t& due = searched.due_wall_micros;
    if (!answer.last)
        due = 0;
    else if (due > 0 && answer.next_taken_wall_micros > 0)  // 0: older ones came there meanwhile
        due = answer.next_taken_wall_micros;
    if (disk_.entries == 0) tail_to_memory();
}

}  // namespace bus::core
