// What this agent is responsible for: a batch, the destinations it is still
// owed to, and who gave it. A custody ends when every destination has settled.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/few.h"
#include "base/time.h"
#include "core/batch.h"
#include "core/journal.h"
#include "limits.h"

namespace bus::core {

class Intake;

// Batches in memory, in bytes; every custody counts itself in and out.
class MemoryMeter {
  public:
    void add(std::uint64_t bytes) { bytes_ += bytes; }
    void remove(std::uint64_t bytes) { bytes_ -= bytes; }
    std::uint64_t bytes() const { return bytes_; }

  private:
    std::uint64_t bytes_ = 0;
};

// Who waits to hear that the batch is safe: the number it came under. A duplicate that was dropped
// before its first copy was safe adds a second origin.
struct Origin {
    std::shared_ptr<Intake> intake;
    std::uint64_t number = 0;
};

struct Custody {
    // memory: not on disk. submitted: on its way there. journaled: there. A custody whose commit is
    // undecided is in memory again, but its settlements must be told to the journal.
    enum class Place : std::uint8_t { memory, submitted, journaled };

    struct Owed {
        StreamId stream;
        std::uint8_t flags = 0;  // entry_flag
        bool settled = false;
        std::uint32_t done = 0;    // messages acknowledged, a prefix
        std::uint32_t before = 0;  // of these, in an earlier incarnation: in no account of this one
        bool spare_bytes = false;  // it does without the bytes while the journal has them
    };

    Custody(BatchId batch_id, Batch the_batch, MemoryMeter& the_meter)
        : id(batch_id),
          messages(the_batch.messages()),
          bytes(the_batch.size()),
          batch(std::move(the_batch)),
          meter(the_meter) {
        meter.add(bytes);
    }
    ~Custody() {
        if (batch) meter.remove(bytes);
    }
    Custody(const Custody&) = delete;
    Custody& operator=(const Custody&) = delete;

    bool settled() const { return unsettled == 0; }
    bool safe() const;

    // The bytes leave memory if they are in the journal and nobody it is owed to needs them now.
    void drop_spare_bytes() {
        if (!batch || place != Place::journaled) return;
        for (const Owed& one : owed)
            if (!one.settled && !one.spare_bytes) return;
        batch = {};
        meter.remove(bytes);
    }
    // They are back from the journal.
    void restore(Batch again) {
        if (!batch) meter.add(bytes);
        batch = std::move(again);
    }

    const BatchId id;
    const std::uint32_t messages;
    const std::uint64_t bytes;
    Batch batch;           // empty: only the journal has it
    DestinationId source;  // the agent where it entered the bus; 0: this one
    Owner owner = 0;
    std::uint8_t hops = 0;  // links it has crossed
    bool is_final = false;  // this host wants it
    bool counted = true;    // in the account of whom it is owed to
    bool fleeting =
        false;  // lives in memory only, whatever becomes of it: nobody is told that it is safe
    MemoryMeter& meter;
    Place place = Place::memory;
    bool maybe_on_disk = false;
    bool recovered = false;  // from an earlier incarnation's journal
    bool read_back = false;  // it has been on disk only: when it was taken is forgotten
    bool wanted = false;     // it shall be journaled (again) as soon as the journal can
    std::uint32_t unsettled = 0;
    // Copies of it, as dead letters or as a last value, that the journal does not have yet.
    std::uint32_t burials = 0;
    Few<Owed, 2> owed;
    Few<Origin, 1> origins;
    Time taken{};
    Time expires = never;
    DeadLetterId dead_letter;  // that it was: none any more as soon as this is on disk
    // In the delay line: when it is due, by this host's wall clock.
    std::uint64_t due_wall_micros = 0;
    // Out of the delay line: what it is a copy of there, which goes as soon as this is on disk.
    std::optional<std::pair<StreamId, BatchId>> released;
    // Some of another custody's messages, on their way to an agent that works on that queue
    // (group_peers.cpp): they have its id, and are owed, journaled and accounted for there.
    struct Whole {
        std::shared_ptr<Custody> custody;
        std::uint16_t slot = 0;
        std::uint32_t first = 0;  // that these messages begin with
    };
    std::optional<Whole> whole;
};

// One destination's claim on a custody: what streams and groups hold.
struct Entry {
    std::shared_ptr<Custody> custody;
    std::uint16_t slot = 0;  // in custody->owed

    BatchId id() const { return custody->id; }
    const Batch& batch() const { return custody->batch; }
    std::uint32_t messages() const { return custody->messages; }
    std::uint64_t bytes() const { return custody->bytes; }
    Custody::Owed& owed() const { return custody->owed[slot]; }
    bool has(std::uint8_t flag) const { return (owed().flags & flag) != 0; }
    bool journaled() const { return custody->place == Custody::Place::journaled; }
    bool is_piece() const { return custody->whole.has_value(); }
    // Of a piece: what it is a piece of.
    Entry whole() const { return {custody->whole->custody, custody->whole->slot}; }
};

// Asks for its bytes, which the journal only has.
inline ReadBack recall_of(const Entry& entry) {
    return {.stream = entry.owed().stream,
            .after = BatchId{entry.id().value - 1},
            .bytes = limits::stream_read_back,
            .channel = std::nullopt,
            .recall = true};
}

}  // namespace bus::core
