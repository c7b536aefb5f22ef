// Judges a run: told what every agent takes, says, sends and stores, it throws
// Broken at the first step at which a guarantee does not hold.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "book.h"
#include "core/effects.h"
#include "core/journal.h"
#include "core/status.h"
#include "disk.h"
#include "expiries.h"
#include "gaps.h"
#include "last_values.h"
#include "questions.h"
#include "session/outgoing.h"
#include "session/unpacker.h"
#include "timeline.h"
#include "trace.h"

namespace bus::sim {

// What the oracle may look at of a host.
class HostView {
  public:
    virtual ~HostView() = default;
    virtual int index() const = 0;
    virtual AgentId agent() const = 0;
    virtual std::uint64_t incarnation() const = 0;
    virtual const Disk& durable() const = 0;
};

class Oracle {
  public:
    Oracle(std::vector<const HostView*>& hosts, const Timeline& timeline)
        : hosts_(hosts), timeline_(timeline) {}

    Book book;
    Questions questions;
    LastValues last_values;
    void on_question() { expiries_.on_question(); }

    // ---- What apps do and see.
    void on_settled(MessageId id, const session::Settled& settled);
    // `consumer` counts app instances and their subscriptions: who must see an order.
    // `first`: it has its turn now, not with its beginning.
    void on_delivered(PlaceId place, std::uint64_t consumer, const session::Received& received,
                      bool first = true);
    // The first part of a message that is read part by part.
    void on_begun(PlaceId place, std::uint64_t consumer, const session::Received& first_part);
    // That, or an abort, for the gaps.
    void on_begun_or_ended(PlaceId place, std::uint64_t consumer, const wire::BatchHeader& part) {
        const bool begins = (part.flags & wire::batch_flag::abort) == 0;
        if (!begins) gaps_.end_early(consumer, part);
        gaps_.pass(place, consumer, part,
                   {.first = 0, .count = 1, .announced = begins ? part.part->total : 1},
                   !turbulent_ && !several_paths_);
    }
    // A range of a batch has come to a consumer, and `missed` is what it is told with a message.
    void on_passed(PlaceId place, std::uint64_t consumer, const wire::BatchHeader& header,
                   const wire::Envelope& range) {
        if (header.is_delayed() || book.place(place).type == Place::Type::group) return;
        gaps_.pass(place, consumer, header, {.first = range.first, .count = range.messages},
                   !turbulent_ && !several_paths_);
    }
    void on_told_missed(std::uint64_t consumer, const wire::BatchHeader& header,
                        std::uint64_t missed) {
        if (header.is_delayed() && missed == 0) return;
        gaps_.tell(consumer, header, missed);
    }
    void on_withdrawn(MessageId id) { book[id].withdrawn = true; }

    // ---- What an agent takes and says.
    void on_taken(int host, std::uint64_t number, const core::Batch& batch);
    void on_handed_out(core::SessionId session, PlaceId place, const core::SendBatch& sent);
    void on_acks(core::SessionId session, std::span<const wire::Ack> acks);
    void on_receipts(int host, const ProducerId& producer, const wire::Receipts& receipts);
    void on_refused(int host, const ProducerId& producer, const wire::Refused& refused);
    void on_sent(int from, int to, const core::SendBatch& sent);
    void on_received(int from, int to, std::uint64_t incarnation, std::uint64_t number) {
        if (several_paths_) received_.insert({{from, to, incarnation}, number});
    }
    // `to` says to `from`, of the numbers of that incarnation of `from`.
    void on_link_ack(int to, int from, std::uint64_t incarnation, const wire::LinkAck& ack);
    void on_link_refuse(int to, int from, const wire::LinkRefuse& refuse);
    // `from` tells `to` what it cannot take, in HOLD and again in each HELLO, until it resumes.
    void on_hold(int from, int to, const wire::LinkHold& hold);
    void on_hello(int from, int to, const wire::LinkHello& hello);
    void on_resumed(int host, const std::string& channel);

    // ---- Shares of durable subscriptions.
    // Nothing may lapse.
    void shares_suffice() { shares_suffice_ = true; }
    // That batch was beyond the share of the subscription of this name at `host`.
    void on_lapsed(int host, const std::string& name, const wire::BatchHeader& header);
    void on_told_gap(PlaceId place, const wire::Gap& gap);

    // ---- Journals.
    // What the agent decided, in memory as yet; then what became durable.
    void on_submitted(int host, const core::Transaction& transaction);
    // It has waited too long, and what comes behind it may leave before that is submitted.
    void on_dead(int host, const core::Event& event);
    void on_purged(const core::DeadLetter& letter);
    void on_durable(int host, const core::Transaction& transaction);

    // ---- Interest.
    void on_subscribed(PlaceId place, int host);
    void on_place_ended(PlaceId place);
    // An operator has ordered it.
    void on_paused(PlaceId place, bool paused) { book.place(place).paused = paused; }
    // What it had is gone by right; at its host, where the journal drops it, and on its way there.
    void on_purged(PlaceId place);
    // The anonymous subscriptions of this place may have lapsed at that host.
    void may_lapse(PlaceId place, int at_host);
    void on_crash(int host);

    // ---- Faults that lose by right.
    void excuse_host(int host, const std::string& why);  // its journal went back in time
    // Whatever is its own, is owed to it or waits in a queue may go to either of the two.
    void on_cloned(int host);
    void on_clone_ended();
    // Batches taken while a peer is removed are not for it; what was owed to it waits.
    void on_peer_removed(int host, int peer);
    // And what is owed to it does not wait any more, if it `is_forgotten`.
    void on_peer_retired(int host, int peer, bool is_forgotten);
    void on_peer_added(int host, int peer) { removed_.erase({host, peer}); }
    void excuse_rows(int host, const std::string& why);  // its damaged rows
    void turbulence() { turbulent_ = true; }             // more than links may fail
    // Agents relay: one message may overtake another.
    void several_paths() {
        several_paths_ = true;
        expiries_.several_paths();
    }

    // That queue has a home: what went elsewhere comes back, and of one key one is out at a time.
    void keep_queue(const std::string& name, int home, bool calm) {
        book.place(book.queue(name)).kept_at = home;
        calm_ = calm;
    }
    // Its consumer has said what is to become of it.
    void on_ruled(PlaceId place, MessageId id);

    // Lifetimes across a restart run on the host's own wall clock.
    void on_clock_jump() { clocks_jumped_ = true; }

    void check_accounts(int host, const core::Status& status);
    // Everything that was promised has arrived.
    void check_delivered() const;
    // What died came nevertheless, or went on to the queue of those, or is kept, unless an operator
    // has purged it.
    void check_dead() const;

  private:
    using Numbered = std::map<std::uint64_t, Run>;
    // What crossed a link, and for whom: hosts.
    struct Leg {
        Run run;
        std::string group;  // that this copy is for
        std::set<int> finals;
        std::uint64_t sent = 0;  // counts what is sent, anywhere; the first time
    };
    using Legs = std::map<std::uint64_t, Leg>;
    struct Route {
        int from, to;
        std::uint64_t incarnation;
        auto operator<=>(const Route&) const = default;
    };
    struct Tag {
        PlaceId place;
        Run batch;
        std::uint32_t first, count;
        std::uint64_t consumer = 0;  // the app's subscription
    };

    // A message, or one part of it, at one of its destinations.
    struct Claim {
        const Message& message;
        Run unit;  // count 1
        PlaceId place;
    };
    bool is_stored(int host, const Claim& claim, bool for_its_agent) const;
    bool is_stored_anywhere(const Run& unit) const;
    bool is_kept_dead(const Message& message) const;
    bool is_safe_there(int host, const Claim& claim) const;
    bool is_safe_here(int host, const Claim& claim) const;
    template <class Safe>
    void require(const Run& run, const char* invariant, const std::string& said, Safe safe) const;
    void require_safe_here(int host, const Run& run, const char* invariant,
                           const std::string& said);
    void require_safe_there(int from, int host, const Leg& leg, const char* invariant,
                            const std::string& said);
    bool is_safe_on_its_way(int from, std::uint64_t sent, const Claim& claim) const;
    void require_arrived(int host, const Run& run);
    void require_consumed(int host, const Run& run);
    void on_subscription_dropped(int host, const core::Destination& destination);
    void on_place_lost(PlaceId id);
    void lapse(PlaceId place, int taken_at, const std::string& why);
    void check_order(std::uint64_t consumer, const Message& message);
    void check_key(MessageId id);
    std::uint64_t order_of(PlaceId place, std::uint64_t consumer) const;
    void on_interest(int host, const core::PutInterest& put);
    void on_interest_dropped(int host, const core::DropInterest& drop);
    void on_destination_dropped(int host, const core::DropDestination& drop);
    void count_dead(const Run& dead);
    void count_dead(int host, core::DestinationId dropped);
    void on_peer_dropped(int host, const AgentId& peer);
    void on_given_up(const core::GiveUp& given);
    void acknowledge(const Tag& tag, std::uint32_t from, std::uint32_t to);
    void on_went_on(const session::Received& received);
    void excuse_what_went_on(const core::Batch& batch, const std::string& why);
    void on_burying(int host, const core::Bury& buried);
    void on_buried(int host, const core::Bury& buried);
    void recall_dead(int host);
    template <class Visit>
    void for_each_dead(int host, core::DestinationId destination, const Run& dead, Visit visit);
    void excuse_dead(int host, core::DestinationId destination, const Run& dead,
                     const std::string& reason);
    Run dead_of(int host, const core::Bury& buried) const;
    void recall_interest(int host);
    void recall_destinations(int host);
    bool is_known(int host, const Place& place) const;
    void forget_number(const ProducerId& producer, std::uint64_t number);
    int host_of(const AgentId& agent) const;

    std::vector<const HostView*>& hosts_;
    const Timeline& timeline_;
    bool turbulent_ = false;
    int cloned_ = -1;
    bool clocks_jumped_ = false;
    Gaps gaps_{book};
    Expiries expiries_{book};
    std::map<ProducerId, Numbered> unsaid_;    // by producer: taken, `safe` not said
    std::map<ProducerId, Numbered> unmarked_;  // taken, no durable mark
    std::map<ProducerId, Numbered> unarrived_;
    std::map<Route, Legs> unacked_;        // sent over a link, not acknowledged
    std::map<Route, Legs> link_unmarked_;  // sent over a link, no durable mark
    // When a message was last sent to a host, as Leg::sent.
    std::map<std::tuple<int, ProducerId, std::uint64_t>, std::uint64_t> sent_to_;
    std::uint64_t sent_ = 0;
    bool several_paths_ = false;
    std::set<std::pair<Route, std::uint64_t>> received_;           // numbers, with several paths
    std::map<std::pair<std::uint64_t, std::uint64_t>, Tag> tags_;  // by session and tag
    // Best effort overtakes what must wait for room: its order is one of its own.
    using OrderKey = std::tuple<std::uint64_t, ProducerId, wire::ChannelKey, wire::Lane, bool>;
    std::map<OrderKey, std::uint64_t> order_;
    bool calm_ = false;
    std::map<std::string, MessageId> keys_out_;  // of the queue that is kept
    // What each agent knows of its peers' topics: host, peer, name, filter.
    std::set<std::tuple<int, int, std::string, std::string>> interest_;
    std::set<std::pair<PlaceId, int>> lapsable_;
    bool shares_suffice_ = false;
    std::map<PlaceId, std::uint64_t> lapsed_;       // messages, by what their agents said
    std::map<PlaceId, std::uint64_t> told_missed_;  // all, by what their apps were told
    std::map<PlaceId, std::uint64_t> purges_;       // that no journal has been told of yet
    std::map<std::pair<int, core::DestinationId>, core::Destination> destinations_;
    // Since the host's last crash: a transaction that failed is submitted again.
    std::set<std::pair<int, core::DestinationId>> dropped_;
    std::set<std::pair<int, int>> retired_;                           // host, its peer: once
    std::set<std::pair<int, int>> removed_;                           // host, its peer
    std::map<std::pair<int, int>, std::set<wire::ChannelKey>> held_;  // who told, whom
};

}  // namespace bus::sim
