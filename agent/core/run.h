// An ordered run of entries that may be longer than memory: the front is here,
// what lies behind it only in the journal, and behind that, for a moment, what
// is on its way there. A backlog of 10 GB costs no more memory than one of 10 MB.
//
//     front() -> [ memory ][ on disk only ][ tail: not journaled yet ] <- push()
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>

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

    // At start: what the journal holds of it.
    void recover(const Recovered::Stream& found);

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
    // The journal lost the answer (it was reopened): ask again.
    void forget_read() { reading_ = false; }
    // Nothing will come back: entries that are on disk only are given up (their stream is dropped).
    void drop_disk() {
        disk_ = {};
        tail_to_memory();
    }

    bool empty() const { return memory_.empty() && disk_.entries == 0 && tail_.empty(); }
    // Everything beyond the front is elsewhere: what comes now cannot leave soon.
    bool spilled() const { return disk_.entries > 0; }
    Size size() const;
    const Size& on_disk() const { return disk_; }
    std::uint64_t memory_bytes() const { return memory_bytes_; }
    Time oldest() const;
    template <class Visit>
    void for_each_in_memory(Visit visit) const {
        for (const Entry& entry : memory_) visit(entry);
        for (const Entry& entry : tail_) visit(entry);
    }

  private:
    void count_to_disk(const Entry& entry);
    void tail_to_disk();
    void tail_to_memory();

    const StreamId stream_;
    const std::optional<std::uint64_t> channel_;
    std::deque<Entry> memory_;
    std::uint64_t memory_bytes_ = 0;
    Size disk_;
    BatchId disk_last_;  // nothing behind it is ours on disk
    BatchId popped_;     // the last that left by the front
    std::deque<Entry> tail_;
    Size tail_size_, memory_size_;
    bool reading_ = false;
};

template <class Make, class Lost>
void Run::loaded(const Loaded& answer, Make make, Lost lost) {
    reading_ = false;
    const BatchId after = memory_.empty() ? popped_ : memory_.back().id();
    for (const LoadedEntry& entry : answer.entries) {
        // Behind disk_last_: journaled, but an earlier one of the tail is not yet; it comes again.
        if (entry.id <= after || entry.id > disk_last_ || disk_.entries == 0) continue;
        --disk_.entries;
        const std::uint64_t messages =
            (entry.batch ? entry.batch.messages() : entry.messages) - entry.done;
        disk_.messages -= std::min(disk_.messages, messages);
        if (!entry.batch) {
            lost(entry);
            continue;
        }
        disk_.bytes -= std::min<std::uint64_t>(disk_.bytes, entry.batch.size());
        Entry made = make(entry);
        memory_bytes_ += made.bytes();
        memory_size_.add({1, made.messages(), made.bytes()});
        memory_.push_back(std::move(made));
    }
    // What was counted is in the journal, so if nothing is behind this answer and something is
    // still counted, its rows are damaged: the journal has named them (Damaged).
    if (answer.last && disk_.entries > 0) {
        lost(LoadedEntry{.messages = static_cast<std::uint32_t>(disk_.messages)});
        disk_ = {};
    }
    if (disk_.entries == 0) {
        disk_ = {};
        tail_to_memory();
    }
}

}  // namespace bus::core
