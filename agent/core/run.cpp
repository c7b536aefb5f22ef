#include "core/run.h"

#include "base/mutation.h"

namespace bus::core {

void Run::recover(const Recovered::Stream& found, Time oldest) {
    disk_since_ = oldest;
    disk_ = {found.entries, found.messages, found.bytes};
    disk_last_ = found.last;
}

void Run::push(Entry entry) {
    const Size one{1, entry.messages(), entry.bytes()};
    if (spilled() && !mutated(Mutation::recovered_after_live)) {
        tail_size_.add(one);
        tail_.push_back(std::move(entry));
        return;
    }
    memory_bytes_ += one.bytes;
    memory_size_.add(one);
    memory_.push_back(std::move(entry));
}

Entry Run::pop() {
    BUS_ASSERT(!memory_.empty());
    Entry entry = std::move(memory_.front());
    memory_.pop_front();
    popped_ = entry.id();
    count_out_of_memory(entry);
    return entry;
}

void Run::count_out_of_memory(const Entry& entry) {
    memory_bytes_ -= entry.bytes();
    --memory_size_.entries;
    memory_size_.messages -= entry.messages();
    memory_size_.bytes -= entry.bytes();
}

// It leaves memory here; another destination that shares the custody may keep that alive.
void Run::count_to_disk(const Entry& entry) {
    entry.owed().spare_bytes = true;
    entry.custody->drop_spare_bytes();
    disk_.add({1, entry.messages(), entry.bytes()});
    disk_last_ = std::max(disk_last_, entry.id());
}

void Run::count_off_disk(const LoadedEntry& entry) {
    --disk_.entries;
    const std::uint64_t messages =
        (entry.batch ? entry.batch.messages() : entry.messages) - entry.done;
    disk_.messages -= std::min(disk_.messages, messages);
    if (entry.batch) disk_.bytes -= std::min<std::uint64_t>(disk_.bytes, entry.batch.size());
}

void Run::trim(std::uint64_t memory_bytes_max) {
    tail_to_disk();
    const auto is_full = [&] {
        return memory_.size() > 1 &&
               (memory_bytes_ > memory_bytes_max || memory_.size() > limits::stream_memory_entries);
    };
    if (is_full() && !spilled()) begin_on_disk(memory_bytes_max);
    while (is_full() && memory_.back().journaled()) {
        count_to_disk(memory_.back());
        disk_since_ = memory_.back().custody->taken;
        count_out_of_memory(memory_.back());
        memory_.pop_back();
        for (auto& [bound, searched] : searches_) searched.due_wall_micros = 0;
    }
}

// A part on disk begins, with the first that is there and finds no room in memory. What is behind
// it is the tail: who publishes without a pause has always something that is not on disk yet.
void Run::begin_on_disk(std::uint64_t memory_bytes_max) {
    std::size_t kept = 1;
    for (std::uint64_t bytes = memory_.front().bytes(); kept < memory_.size(); ++kept) {
        bytes += memory_[kept].bytes();
        const bool has_room = bytes <= memory_bytes_max && kept < limits::stream_memory_entries;
        if (!has_room && memory_[kept].journaled()) break;
    }
    if (kept == memory_.size()) return;
    disk_since_ = memory_[kept].custody->taken;
    const auto begin = memory_.begin() + static_cast<std::ptrdiff_t>(kept);
    for (auto at = begin; at != memory_.end(); ++at) {
        count_out_of_memory(*at);
        tail_size_.add({1, at->messages(), at->bytes()});
        tail_.push_back(std::move(*at));
    }
    memory_.erase(begin, memory_.end());
    tail_to_disk();
}

void Run::tail_to_disk() {
    while (!tail_.empty() && tail_.front().journaled()) {
        const Entry& first = tail_.front();
        count_to_disk(first);
        --tail_size_.entries;
        tail_size_.messages -= first.messages();
        tail_size_.bytes -= first.bytes();
        tail_.pop_front();
        for (auto& [bound, searched] : searches_) searched.due_wall_micros = 0;
    }
}

void Run::tail_to_memory() {
    disk_ = {};
    memory_size_.add(tail_size_);
    memory_bytes_ += tail_size_.bytes;
    tail_size_ = {};
    for (Entry& entry : tail_) memory_.push_back(std::move(entry));
    tail_.clear();
}

std::optional<ReadBack> Run::read_on(std::uint64_t memory_bytes_max) {
    if (reading_ || searching_ || paused_ || !spilled() || memory_bytes_ > memory_bytes_max / 2 ||
        memory_.size() > limits::stream_memory_entries / 2)
        return std::nullopt;
    reading_ = true;
    return ReadBack{.stream = stream_,
                    .after = last_in_memory(),
                    .bytes = limits::stream_read_back,
                    .channel = channel_};
}

Run::Size Run::size() const {
    Size all = memory_size_;
    all.add(disk_);
    all.add(tail_size_);
    return all;
}

Time Run::oldest() const {
    if (!memory_.empty()) return memory_.front().custody->taken;
    if (spilled()) return disk_since_;
    return tail_.empty() ? never : tail_.front().custody->taken;
}

}  // namespace bus::core
