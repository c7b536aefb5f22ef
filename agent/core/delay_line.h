// What apps of this host have published to be handed out later, in the order
// in which it is due, whatever its channel. It is a destination of its own, so
// journal, account and quota treat it as they treat a queue; but the journal
// reads it back by when it is due. In memory are those that are due next, and
// what is not on disk yet:
//
//     next() -> [ near: due next ][ on disk only, due later ] + [ far: due later, not journaled ]
//
// Times are microseconds of this host's wall clock, as the journal has them.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/custody.h"
#include "core/keeper.h"
#include "core/run.h"

namespace bus::core {

class DelayLine {
  public:
    explicit DelayLine(Keeper& keeper) : keeper_(keeper) {}

    // Its number in the journal; 0 until there is one.
    DestinationId id() const { return id_; }
    StreamId stream() const { return {id_, wire::Lane::normal}; }
    void found(DestinationId id) { id_ = id; }
    // At start: what the journal holds of it.
    void recover(const Recovered::Stream& found);

    // Taken just now, or read back: `entry.custody->due_wall_micros` says when.
    void push(Entry entry);
    // The one that is due next, if it is in memory.
    const Entry* next() const { return near_.empty() ? nullptr : &near_.begin()->second; }
    Entry pop();

    // What is on disk by now, and due too late for the memory that this may use, leaves it.
    void trim(std::uint64_t memory_bytes_max);
    // A request if it is time to read on.
    std::optional<ReadBack> read_on(std::uint64_t memory_bytes_max);
    void on_loaded(const Loaded& answer);

    bool empty() const { return near_.empty() && far_.empty() && disk_.entries == 0; }
    Run::Size size() const;

  private:
    struct Key {
        std::uint64_t due = 0;
        BatchId id;
        auto operator<=>(const Key&) const = default;
    };
    using Entries = std::map<Key, Entry>;
    static Key key_of(const Entry& entry) { return {entry.custody->due_wall_micros, entry.id()}; }
    static Run::Size size_of(const Entry& entry) { return {1, entry.messages(), entry.bytes()}; }
    void put_near(Entry entry);
    void put_far(Entry entry);
    void count_to_disk(const Entry& entry);
    void count_off_disk(const LoadedEntry& row);
    void settle_far();
    void take_far_up_to_horizon();

    Keeper& keeper_;
    DestinationId id_;
    Entries near_, far_;
    std::uint64_t near_bytes_ = 0, far_bytes_ = 0;
    std::uint64_t near_messages_ = 0, far_messages_ = 0;
    Run::Size disk_;
    std::optional<Key> horizon_;  // all that is on disk only is due then or later; none: nothing is
    bool reading_ = false;
};

}  // namespace bus::core
