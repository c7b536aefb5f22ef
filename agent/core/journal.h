// The journal as the core sees it: a list of changes goes out as one atomic
// transaction, in order; answers come back as inputs. agent/journal does it
// with SQLite on a thread of its own, the simulator with a map that crashes;
// one contract test holds for both (tests/unit/journal_contract.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "core/batch.h"
#include "core/channel_filter.h"
#include "core/dead_letter.h"
#include "core/destination.h"
#include "core/gaps.h"
#include "core/tickets.h"
#include "wire/batch.h"
#include "wire/names.h"
#include "wire/reject.h"

namespace bus::core {

namespace entry_flag {
inline constexpr std::uint8_t resent =
    1;  // arrived flagged: may have been taken by its destination
inline constexpr std::uint8_t pinned = 2;  // came from a peer for this host: never passed on again
inline constexpr std::uint8_t rerouted = 4;
inline constexpr std::uint8_t redelivered = 8;
inline constexpr std::uint8_t arrival = 16;  // its settlement counts for the receipt `arrived`
}  // namespace entry_flag

// ---- Changes: one submission is one transaction --------------------------------

// The batch's bytes, stored once, with the group that it is for. Followed by at least one Owe in
// the same submission.
struct Put {
    BatchId id;
    Batch batch;
    std::uint64_t expires_wall_micros = 0;  // this host's wall clock; 0: never
    std::uint32_t owes = 1;                 // how many Owe follow
    DestinationId source;                   // the agent where it entered the bus; 0: this one
    std::uint64_t taken_wall_micros = 0;    // this host's wall clock
    Owner owner = 0;
};
struct Owe {
    StreamId stream;
    BatchId id;
    std::uint8_t flags = 0;             // entry_flag
    std::uint32_t done = 0;             // as Progress
    std::uint64_t due_wall_micros = 0;  // of a destination that waits for it; 0: it does not
};
// The destination has taken over. The last settlement of a batch deletes its row.
struct Settle {
    StreamId stream;
    BatchId id;
};
// The first `done` messages of this entry are acknowledged.
struct Progress {
    StreamId stream;
    BatchId id;
    std::uint32_t done = 0;
};
// Numbers of that incarnation up to `number` are settled or in this journal.
struct PeerMark {
    AgentId peer;
    std::uint64_t incarnation = 0;
    std::uint64_t number = 0;
};
struct ProducerMark {
    ProducerId producer;
    std::uint64_t number = 0;
    std::uint64_t wall_micros = 0;  // of its last use; dropped 24 h after
};
// The producer was away too long in the middle of this large message: those who hold a part of it
// may have been told that no more will come, so no more is taken.
struct GiveUp {
    ProducerId producer;
    std::uint64_t first_sequence = 0;
};
// With it goes all that was given up for this producer.
struct DropProducerMark {
    ProducerId producer;
};
struct PutDestination {
    Destination destination;
};
// All its entries go with it, in small steps of the journal's own; it does not come back.
struct DropDestination {
    DestinationId id;
    // Not empty: they become dead letters on the way, for that reason, under that name.
    std::string reason = {};
    std::string name = {};
    std::uint64_t wall_micros = 0;
};
// What a peer durably wants, or wanted when it was last heard. `item` is keyed by kind, name,
// filter, group.
struct PutInterest {
    AgentId peer;
    wire::Kind kind = wire::Kind::topic;
    bool durable = false;
    std::string name, group, filter;
    friend bool operator==(const PutInterest&, const PutInterest&) = default;
};
struct DropInterest {
    AgentId peer;
    wire::Kind kind = wire::Kind::topic;
    std::string name, filter;
    std::string group = {};
};
// A removed durable subscription of this host, until every peer has confirmed its removal.
struct PutTombstone {
    wire::Kind kind = wire::Kind::topic;
    std::string name, filter;
    std::uint64_t version = 0;
    std::string group = {};
};
struct DropTombstone {
    wire::Kind kind = wire::Kind::topic;
    std::string name, filter;
    std::string group = {};
};
struct PutPeer {
    AgentId id;
    std::string name;
    std::string key;                // Z85
    std::uint64_t incarnation = 0;  // the highest seen
    std::uint64_t interest_version = 0;
    std::uint64_t nonce = 0;  // of that incarnation
    Tickets tickets;
    friend bool operator==(const PutPeer&, const PutPeer&) = default;
};
struct DropPeer {
    AgentId id;
};

// What a subscription has lost; it goes with its destination.
struct PutGaps {
    DestinationId destination;
    Gaps gaps;
    friend bool operator==(const PutGaps&, const PutGaps&) = default;
};

// G5, of one destination since this incarnation began, in messages. 0 is the account without one:
// there `unrouted` counts, and what agents had that were removed since.
struct Account {
    DestinationId destination;
    std::uint64_t recovered = 0, taken = 0, settled = 0, filtered = 0, expired = 0, lapsed = 0,
                  dead_lettered = 0, purged = 0, moved = 0, waiting = 0, unrouted = 0;
    bool balances() const {
        return recovered + taken ==
               settled + filtered + expired + lapsed + dead_lettered + purged + moved + waiting;
    }
    friend bool operator==(const Account&, const Account&) = default;
};

// A message, or a run of them, that could not be delivered. The batch may still be owed elsewhere,
// so they are copied: from the batch's own row where `batch` is empty. What is known of the
// destination is kept with it, so it must be declared.
struct Bury {
    StreamId stream;
    BatchId id;
    Batch batch;
    std::uint32_t first = 0, count = 0;
    std::string reason;
    std::uint64_t wall_micros = 0;
    std::string name = {};       // of the destination; empty: as it was declared
    std::uint32_t attempts = 0;  // to hand it to a consumer; 0: there was none, or it is not known
    std::uint64_t taken_wall_micros = 0;  // 0: not known
};
// It has been taken again, or nobody wants it any more.
struct DropDeadLetter {
    DeadLetterId id;
};

// The last message of a topic that retains it, in place of the one before: a batch of it alone.
struct PutLastValue {
    Batch batch;
    std::uint64_t expires_wall_micros = 0;  // 0: never
};
struct DropLastValue {
    std::string channel;
};

// Not kept: until the next one, or the end of the process, the journal tells what is in it of each
// of these (Watched).
struct Watch {
    struct Of {
        ChannelFilter channels;
        Owner owner = 0;  // 0: whoever
        friend bool operator==(const Of&, const Of&) = default;
    };
    std::uint64_t version = 0;
    std::vector<Of> all;
};

using Change = std::variant<Put, Owe, Settle, Progress, PeerMark, ProducerMark, GiveUp,
                            DropProducerMark, PutDestination, DropDestination, PutInterest,
                            DropInterest, PutTombstone, DropTombstone, PutPeer, DropPeer, PutGaps,
                            Account, Bury, DropDeadLetter, PutLastValue, DropLastValue, Watch>;

// Submissions are numbered 1, 2, 3 ... by the core.
using Submission = StrongInt<struct SubmissionTag>;

struct Transaction {
    Submission number;
    // Somebody waits for it: commit now. Otherwise with the next one, or when the journal is idle.
    bool urgent = true;
    std::vector<Change> changes;
};

// Reads a stream back in order: entries with id > after, until `bytes` are reached (at least one
// entry if there is any). `channel`: only of that channel. `old`: only what was taken before that
// time on those channels, up to the first of theirs that was not.
struct ReadBack {
    struct Old {
        ChannelFilter channels;
        std::uint64_t before_wall_micros = 0;
        std::uint32_t bound = 0;  // the asker's own note, comes back with the answer
    };
    StreamId stream;
    BatchId after;
    std::uint64_t bytes = 0;
    std::optional<std::uint64_t> channel;  // wire::order_hash
    bool recall = false;  // of what is handed out: the asker's own note, comes back with the answer
    std::optional<Old> old = std::nullopt;
    // In the order in which they are due, from what is due then, with `after` or a higher id, on.
    std::optional<std::uint64_t> due_wall_micros = std::nullopt;
};

// ---- Answers -----------------------------------------------------------------

struct JournalSpace {
    std::uint64_t live_bytes = 0;            // of batches in it
    std::uint64_t file_bytes = 0;            // database and WAL
    bool full = false;                       // new data would fail; settling still works
    std::uint64_t dead_letters = 0;          // messages kept
    DeadLetterId last_dead_letter;           // the highest id ever used
    std::uint64_t dead_letters_dropped = 0;  // since the start: the oldest, beyond their share
};

struct Committed {  // all submissions up to `through` are on disk
    Submission through;
    JournalSpace space;
};
// The journal did not take submission `number` and dropped all that came after it unseen; nothing
// of them is on disk. full: no room, submit Settles first; damaged/io: it was reopened.
struct Failed {
    Submission number;
    enum class Cause : std::uint8_t { full, io } cause = Cause::full;
    std::string reason;
    JournalSpace space;
};
// A commit failed in such a way that nobody can tell whether it is on disk: write it all again (Put
// and Owe of what is there already are harmless), and answer `safe` only after that, or `unknown`.
struct Undecided {
    Submission number;
    std::string reason;
    JournalSpace space;
};
struct LoadedEntry {
    BatchId id;
    Batch batch;  // empty: the row is damaged; its messages are lost and named in Damaged
    std::uint8_t flags = 0;
    std::uint32_t done = 0;
    std::uint64_t expires_wall_micros = 0;
    std::uint32_t messages = 0;  // of the batch: needed where its bytes are damaged
    DestinationId source;
    std::uint64_t taken_wall_micros = 0;
    std::uint64_t due_wall_micros = 0;
    Owner owner = 0;
};
struct Loaded {
    ReadBack request;
    std::vector<LoadedEntry> entries;
    bool last = false;  // nothing (of that channel, or that is old) is behind the last entry
    // Where `old` is asked for: entries up to here are among those above, younger, or not of those
    // channels; and when the first of those that are too young was taken. 0: there is none.
    BatchId looked_at = {};
    std::uint64_t next_taken_wall_micros = 0;
};
// What is in the journal of each of that Watch, each batch once and whole: after it, and whenever a
// commit has changed one of them.
struct Watched {
    struct Total {
        std::uint64_t bytes = 0, messages = 0;
        friend bool operator==(const Total&, const Total&) = default;
    };
    std::uint64_t version = 0;
    std::vector<Total> all;
};
// Rows that failed their checksum: quarantined, skipped. Every lost range is named.
struct Damaged {
    struct Lost {
        StreamId stream;
        BatchId first, last;
        std::uint64_t messages = 0;  // 0: not known
    };
    std::vector<Lost> lost;
    std::string reason;
};

using JournalAnswer =
    std::variant<Committed, Failed, Undecided, Loaded, DeadLettersFound, Watched, Damaged>;

// What is found at start; small, whatever the backlog (counts are kept by the journal with each
// transaction, streams are not read).
struct Recovered {
    struct Stream {
        StreamId id;
        std::uint64_t entries = 0, messages = 0, bytes = 0;  // messages: not acknowledged yet
        BatchId first, last;
        std::uint64_t oldest_wall_micros = 0;  // when the first was taken; 0: not known
    };
    AgentId agent;                      // zero in a new journal
    std::uint64_t incarnation = 0;      // of the previous start; 0: none
    std::uint64_t incarnation_now = 0;  // of this one, committed already
    std::uint64_t nonce = 0;            // of this one: random
    BatchId last_batch;                 // the highest id ever used
    DestinationId last_destination;
    std::vector<Destination> destinations;
    std::vector<Stream> streams;
    std::vector<PutPeer> peers;
    std::vector<PeerMark> peer_marks;
    std::vector<ProducerMark> producer_marks;
    std::vector<GiveUp> given_up;
    std::vector<PutInterest> interest;
    std::vector<PutTombstone> tombstones;
    std::vector<PutGaps> gaps;
    std::vector<PutLastValue> last_values;        // what was published longest ago first
    std::vector<DropLastValue> lost_last_values;  // damaged, and there still
    std::vector<Damaged> damage;                  // found while opening
    JournalSpace space;
};

}  // namespace bus::core
