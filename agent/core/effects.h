// What the core decided in a turn, for the edges to carry out: the only way
// anything leaves the core. The vectors keep their memory from turn to turn.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "core/batch.h"
#include "core/dead_letters.h"
#include "core/journal.h"
#include "wire/envelope.h"
#include "wire/link.h"
#include "wire/local.h"

namespace bus::core {

// An app's connection to the agent, for as long as it lasts; never used again by the io edge.
using SessionId = StrongInt<struct SessionIdTag>;
// A connection to a peer: one per dialled address, one per accepted connection; never used again.
using LinkId = StrongInt<struct LinkIdTag>;

// A batch, or a range of one, to an app or over a link. The edge writes envelope, batch header and
// the body bytes [body_begin, body_end) into one frame; for a whole batch it may reuse the memory.
struct SendBatch {
    wire::Envelope envelope;
    Batch batch;
    std::uint32_t body_begin = 0, body_end = 0;
    bool whole() const { return body_begin == 0 && body_end == batch.header().body_length; }
};

struct ToApp {
    SessionId session;
    std::variant<SendBatch, wire::Reply, wire::Receipts> what;
};
struct ToLink {
    LinkId link;
    std::variant<SendBatch, wire::LinkFrame> what;
};

// The one vocabulary of log, counters and tap.
struct Event {
    enum class Kind : std::uint8_t {
        batch_taken,
        batch_safe,
        batch_journaled,
        batch_sent,
        batch_arrived,
        batch_handed_out,
        batch_acknowledged,
        batch_redelivered,
        batch_given_back,
        batch_expired,
        batch_dead_lettered,
        batch_denied,
        batch_refused,
        batch_unrouted,
        batch_filtered,
        batch_lapsed,
        batch_purged,
        batch_duplicate_dropped,
        best_effort_dropped,
        session_opened,
        session_closed,
        rule_denied,
        subscription_added,
        subscription_removed,
        subscription_changed,
        subscription_lapsing,
        link_up,
        link_down,
        link_refused,
        link_gap,
        link_duplicate_closed,
        history_lost,
        channel_held,
        channel_resumed,
        journal_full,
        journal_resumed,
        journal_failed,
        journal_damaged,
        dead_letters_dropped,
        last_values_dropped,
        descriptors_scarce,
        peer_removed,
        drain_changed,
        overdue_buried,
        queue_unattended,
        queue_attended,
    };
    Kind kind;
    Time at;
    std::string subject;  // a channel, a peer's name, a subscription
    std::string words;    // for people: what happened and what follows
    std::uint64_t messages = 0;
    Batch batch;                     // where there is one and batches are watched
    DestinationId destination = {};  // of a batch that died: its last `messages`
    // Of a step of a batch (core/steps.h): which of its messages, the app, and the hand-out.
    std::uint32_t first = 0;
    SessionId session = {};
    std::uint32_t attempt = 0;
};

// Is it worth a line in the log? Batch events are for tap and counters only.
constexpr bool is_batch_event(Event::Kind kind) { return kind < Event::Kind::session_opened; }

struct Effects {
    std::vector<Transaction> transactions;
    std::vector<ReadBack> reads;
    std::vector<FindDeadLetters> finds;
    std::vector<DeadLetterAnswer> dead_letters;  // to what was asked by Exchange::ask_dead_letters
    std::vector<ToApp> to_apps;                  // in order, per session
    std::vector<ToLink> to_links;                // in order, per link
    std::vector<SessionId> close_sessions;
    // The dialling edge shall drop this connection and dial again (after its own back-off), or,
    // parked, only when the peer has no other link.
    struct CloseLink {
        LinkId link;
        bool parked = false;
    };
    std::vector<CloseLink> close_links;
    std::vector<Event> events;
    // What became of batches, while somebody looks (Exchange::show_steps), and how much of that had
    // no room.
    std::vector<Event> steps;
    std::uint64_t steps_missed = 0;

    void clear() {
        transactions.clear();
        reads.clear();
        finds.clear();
        dead_letters.clear();
        to_apps.clear();
        to_links.clear();
        close_sessions.clear();
        close_links.clear();
        events.clear();
        steps.clear();
        steps_missed = 0;
    }
    bool empty() const {
        return transactions.empty() && reads.empty() && finds.empty() && dead_letters.empty() &&
               to_apps.empty() && to_links.empty() && close_sessions.empty() &&
               close_links.empty() && events.empty();
    }
};

}  // namespace bus::core
