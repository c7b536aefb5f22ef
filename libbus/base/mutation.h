// Deliberate faults, for the simulator alone: each names one rule of the design
// that the core or the session logic breaks when it is switched on, and the
// simulator must notice. Compiled without BUS_MUTATIONS, as every product is,
// mutated() is a constant false and the line that asks it disappears. The simulator
// compiles once more only what includes this, so a header must not.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace bus {

enum class Mutation : std::uint8_t {
    // Marks and commits.
    peer_mark_ahead,            // a peer's mark is persisted before the data it covers
    producer_mark_ahead,        // the same for a producer's mark
    commit_out_of_order,        // a commit leaves out what its source sent before
    deletion_overtakes_insert,  // a settlement is submitted before the Put it deletes
    mark_across_incarnations,   // a mark is compared with numbers of another incarnation
    // Numbers and counts.
    numbers_restart_on_readd,  // a peer removed and added again is numbered from 1
    numbers_reused,            // a producer numbers from 1 after it reconnected
    frame_count_ignored,       // a gap in a link session goes unnoticed
    keepalive_uncounted,       // the loss of the last frame before idle never shows
    held_number_passed,        // what waits behind HOLD has a number, and others pass it
    recovered_after_live,      // what was recovered leaves after what came later
    // Acknowledgement.
    hello_settles,          // what HELLO says was taken is treated as safe
    ack_on_taken,           // ACK and receipts say safe when a batch is only in memory
    receipt_on_first,       // safe when one of two destinations has settled
    duplicate_acked_early,  // a known duplicate is acknowledged before its first copy is safe
    one_consumer_settles,   // one consumer's acknowledgement settles the others' ranges
    piece_settles_batch,    // one agent's acknowledgement settles the others' pieces
    parts_settle_singly,    // a large message's parts settle before the last is acknowledged
    // Flow.
    hold_forgotten,  // HOLD does not outlive a reconnect
    no_headroom,     // what is in flight when HOLD is said finds no room
    // Duplicates.
    resent_lost,                   // a second retry goes out unflagged
    resent_guessed,                // Seen drops what it only supposes was taken
    resent_cleared_by_other_mark,  // a mark of another incarnation clears the flag
    // Interest.
    snapshot_ends_durable,  // absence from a snapshot ends durable interest
    group_fed_twice,        // what a peer sent for others feeds this agent's groups as well
    // Paths.
    path_may_loop,  // a path that leads back here is taken
    relay_forgets,  // what is for another agent is acknowledged and dropped
    // Tickets.
    stale_ticket_taken,  // who comes back from a backup is let in
    ticket_unconfirmed,  // data leaves before the peer has its new ticket on disk
    // Requests.
    begun_request_denied,  // what a lost responder had is said not to be carried out
    // Last values.
    last_value_unawaited,  // what a channel retains is called safe before its copy is on disk
    // Homed queues.
    key_overtaken,              // the next message of a key does not wait for the one that is out
    attachment_outlives_agent,  // the home keeps for a consumer what its lost agent had
    count_
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Mutation::count_)>
    mutation_names{
        "peer_mark_ahead",
        "producer_mark_ahead",
        "commit_out_of_order",
        "deletion_overtakes_insert",
        "mark_across_incarnations",
        "numbers_restart_on_readd",
        "numbers_reused",
        "frame_count_ignored",
        "keepalive_uncounted",
        "held_number_passed",
        "recovered_after_live",
        "hello_settles",
        "ack_on_taken",
        "receipt_on_first",
        "duplicate_acked_early",
        "one_consumer_settles",
        "piece_settles_batch",
        "parts_settle_singly",
        "hold_forgotten",
        "no_headroom",
        "resent_lost",
        "resent_guessed",
        "resent_cleared_by_other_mark",
        "snapshot_ends_durable",
        "group_fed_twice",
        "path_may_loop",
        "relay_forgets",
        "stale_ticket_taken",
        "ticket_unconfirmed",
        "begun_request_denied",
        "last_value_unawaited",
        "key_overtaken",
        "attachment_outlives_agent",
    };

#ifdef BUS_MUTATIONS
// The one that is on; count_: none. Set by the simulator between runs, on its only thread.
inline Mutation active_mutation = Mutation::count_;
inline bool mutated(Mutation mutation) noexcept { return active_mutation == mutation; }
#else
// Nothing is emitted for it: no object of a product stands in for the simulator's.
consteval bool mutated(Mutation) noexcept { return false; }
#endif

}  // namespace bus
