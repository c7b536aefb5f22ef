#include "core/delay_line.h"

#include <algorithm>

namespace bus::core {

void DelayLine::recover(const Recovered::Stream& found) {
    disk_ = {found.entries, found.messages, found.bytes};
    if (disk_.entries > 0) horizon_ = Key{};
}

void DelayLine::push(Entry entry) {
    if (!horizon_ || key_of(entry) < *horizon_) return put_near(std::move(entry));
    put_far(std::move(entry));
}

void DelayLine::put_near(Entry entry) {
    near_bytes_ += entry.bytes();
    near_messages_ += entry.messages();
    near_.emplace(key_of(entry), std::move(entry));
}

void DelayLine::put_far(Entry entry) {
    far_bytes_ += entry.bytes();
    far_messages_ += entry.messages();
    far_.emplace(key_of(entry), std::move(entry));
}

Entry DelayLine::pop() {
    Entry entry = std::move(near_.begin()->second);
    near_.erase(near_.begin());
    near_bytes_ -= entry.bytes();
    near_messages_ -= entry.messages();
    return entry;
}

void DelayLine::count_to_disk(const Entry& entry) {
    entry.owed().spare_bytes = true;
    entry.custody->drop_spare_bytes();
    disk_.add(size_of(entry));
}

void DelayLine::count_off_disk(const LoadedEntry& row) {
    const std::uint64_t messages = row.batch ? row.batch.messages() : row.messages;
    const std::uint64_t bytes = row.batch ? row.batch.size() : 0;
    disk_.entries -= std::min<std::uint64_t>(disk_.entries, 1);
    disk_.messages -= std::min(disk_.messages, messages);
    disk_.bytes -= std::min(disk_.bytes, bytes);
}

// Those due later that are on disk by now need no memory.
void DelayLine::settle_far() {
    std::erase_if(far_, [&](const auto& one) {
        const Entry& entry = one.second;
        if (!entry.journaled()) return false;
        far_bytes_ -= entry.bytes();
        far_messages_ -= entry.messages();
        count_to_disk(entry);
        return true;
    });
}

// While an answer is on its way the horizon stays, or what lies between would be missed.
void DelayLine::trim(std::uint64_t memory_bytes_max) {
    settle_far();
    while (!reading_ && near_.size() > 1 &&
           (near_bytes_ > memory_bytes_max || near_.size() > limits::stream_memory_entries)) {
        const auto last = std::prev(near_.end());
        horizon_ = last->first;
        near_bytes_ -= last->second.bytes();
        near_messages_ -= last->second.messages();
        if (last->second.journaled())
            count_to_disk(last->second);
        else
            put_far(std::move(last->second));
        near_.erase(last);
    }
    if (reading_ || disk_.entries > 0) return;
    horizon_.reset();  // nothing could leave
    take_far_up_to_horizon();
}

std::optional<ReadBack> DelayLine::read_on(std::uint64_t memory_bytes_max) {
    if (reading_ || disk_.entries == 0 || near_bytes_ > memory_bytes_max / 2 ||
        near_.size() > limits::stream_memory_entries / 2)
        return std::nullopt;
    reading_ = true;
    return ReadBack{.stream = stream(),
                    .after = horizon_->id,
                    .bytes = limits::stream_read_back,
                    .channel = std::nullopt,
                    .due_wall_micros = horizon_->due};
}

void DelayLine::on_loaded(const Loaded& answer) {
    reading_ = false;
    settle_far();
    for (const LoadedEntry& row : answer.entries) {
        const Key key{row.due_wall_micros, row.id};
        horizon_ = Key{key.due, key.id.next()};
        if (far_.contains(key)) continue;  // its commit is not known to have been made
        count_off_disk(row);
        if (row.batch)
            put_near(keeper_.taken_back(row, stream()));
        else
            keeper_.lost(row, stream());
    }
    if (answer.last) {
        // What was counted is in the journal: what is left is damaged, and was named.
        if (disk_.messages > 0)
            keeper_.lost(LoadedEntry{.messages = static_cast<std::uint32_t>(disk_.messages)},
                         stream());
        disk_ = {};
        horizon_.reset();
    }
    take_far_up_to_horizon();
}

void DelayLine::take_far_up_to_horizon() {
    while (!far_.empty() && (!horizon_ || far_.begin()->first < *horizon_)) {
        Entry entry = std::move(far_.begin()->second);
        far_.erase(far_.begin());
        far_bytes_ -= entry.bytes();
        far_messages_ -= entry.messages();
        put_near(std::move(entry));
    }
}

Run::Size DelayLine::size() const {
    Run::Size all{near_.size() + far_.size(), near_messages_ + far_messages_,
                  near_bytes_ + far_bytes_};
    all.add(disk_);
    return all;
}

}  // namespace bus::core
