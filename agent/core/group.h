// What a queue, a durable and an anonymous subscription all are: batches that
// wait in order, and consumers that get ranges of them as far as they have
// room. Range, credit and attempt are decided here and nowhere else.
//
// group.cpp: what it is owed and what its consumers decide; group_hand_out.cpp:
// who gets what; group_large.cpp: large messages; group_parts.cpp: those that are
// read part by part; group_peers.cpp: what other agents work on; group_journal.cpp:
// what is on disk; group_lapse.cpp: what lapses; group_home.cpp: the order of a queue that is kept
// here.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/consumer.h"
#include "core/effects.h"
#include "core/gaps.h"
#include "core/keeper.h"
#include "core/key_turns.h"
#include "core/large_messages.h"
#include "core/last_given.h"
#include "core/lease.h"
#include "core/overdue.h"
#include "core/run.h"
#include "core/settle_time.h"
#include "wire/lane_turns.h"

namespace bus::core {

class Remote;

class Group {
  public:
    Group(Destination destination, Keeper& keeper, Leases& leases);

    const Destination& destination() const { return destination_; }
    DestinationId id() const { return destination_.id; }
    // Others share the work: a queue, a subscription group, or a service.
    bool is_queue() const {
        return destination_.type == Destination::Type::queue || is_shared() || is_service();
    }
    bool is_shared() const { return destination_.type == Destination::Type::shared; }
    bool is_service() const { return destination_.type == Destination::Type::service; }
    bool is_durable() const { return destination_.type == Destination::Type::durable; }
    // What it collects beyond its share lapses: nobody waits for its consumers.
    bool has_share() const { return is_durable() || is_shared(); }
    // Paused, it is owed what comes as ever, and hands out nothing.
    bool is_paused() const { return destination_.paused; }
    void pause(bool paused) { destination_.paused = paused; }
    // A subscription group: somebody of this host wants it to be.
    bool is_declared() const { return destination_.declared; }
    void declare(bool declared, Owner owner) {
        destination_.declared = declared;
        destination_.owner = owner;
    }
    // What people call it.
    const std::string& title() const {
        return is_shared() ? destination_.group : destination_.name;
    }
    // What it is called on links: the copies for it are told apart by that. Empty: it is no group.
    std::string_view group() const {
        return is_shared() ? std::string_view{destination_.name} : std::string_view{};
    }

    // A queue that this agent keeps: no other takes of it, so its order is decided here. Of
    // messages with the same key one is out at a time, always with the same consumer while that is
    // there; or, `exclusive`, one consumer has everything, and another takes its place.
    struct Keeping {
        bool here = false, exclusive = false;
        friend bool operator==(const Keeping&, const Keeping&) = default;
    };
    void keep(Keeping keeping) {
        keeping_ = keeping;
        if (!is_keyed()) dissolve_lines();
    }
    bool is_keyed() const { return keeping_.here && !keeping_.exclusive; }
    // The line to the agent of that consumer is full: it has no room until it is not.
    void stop(ConsumerId id, bool stopped);
    const Keeping& keeping() const { return keeping_; }
    bool is_kept_here() const { return keeping_.here; }
    bool is_exclusive() const { return keeping_.exclusive; }

    // It asked for last values when it was created (core/late_joiners.cpp), under this name.
    bool is_late_joiner() const { return !is_shared() && !destination_.group.empty(); }
    const std::string& late_joiner_name() const { return destination_.group; }
    // Of a late joiner: that last value is newer than all that it was given on its channel.
    bool is_news(const wire::BatchHeader& last_value) const {
        return last_given_ && last_given_->is_news(last_value);
    }

    // ---- What it is owed.
    void offer(Entry entry);
    // Best effort: handed to a consumer with room now, or not taken.
    [[nodiscard]] bool offer_now(const std::shared_ptr<Custody>& custody, std::uint16_t slot,
                                 Effects& effects);
    // To each of its consumers with room, best effort. Returns how many.
    [[nodiscard]] std::size_t offer_to_all(const std::shared_ptr<Custody>& custody,
                                           std::uint16_t slot, Effects& effects);
    // The batch whose turn it is, if a peer may have some of it: not what is pinned to this host.
    // What this host's consumers left behind goes first, flagged, once there are none.
    // `taker` names the peer: all parts of a message go to one.
    using PeerTaker = LargeMessage::PeerTaker;
    Entry* for_peer(PeerTaker taker);
    // What for_peer() showed, or a piece of it.
    Entry take_for_peer(wire::Lane lane, PeerTaker taker);
    // A part or a piece that a peer took is decided there, or was given up on the way; the group
    // settles it, with its message or its batch. false: it is neither, of what this group waits
    // for.
    [[nodiscard]] bool decided_at_peer(const Entry& entry, Settlement how);
    // A peer had it and is forgotten: another taker gets it, marked.
    void return_from_peer(Entry entry);
    // The peer has a part of it and gets the rest from here.
    bool is_with_peer(const wire::BatchHeader& batch, PeerTaker taker);

    // ---- Consumers.
    void join(ConsumerId id, const ConsumerTerms& terms);
    // left: it said so. lost: its session broke off, perhaps by what it was given.
    enum class Parting : std::uint8_t { left, lost };
    // What it had and did not decide is handed out again, marked, at once.
    void leave(ConsumerId id, Parting how);
    std::size_t consumers() const { return consumers_.size(); }
    std::vector<ConsumerId> consumer_ids() const;
    // They go on at another group, which takes this one's place. What they have in hand takes
    // their room until they have decided it, and is owed by nobody.
    std::vector<Consumer> take_consumers() { return std::exchange(consumers_, {}); }
    void adopt(std::vector<Consumer> consumers);
    std::size_t consumers_with_room() const {
        return static_cast<std::size_t>(
            std::count_if(consumers_.begin(), consumers_.end(),
                          [](const Consumer& one) { return one.has_room(); }));
    }

    enum class Decision : std::uint8_t { done, unknown, malformed };
    [[nodiscard]] Decision decide(const wire::Ack& ack);

    void hand_out(Effects& effects);
    // What was handed out to consumers at other agents, of a queue that is kept here.
    std::vector<ToApp> take_for_elsewhere() { return std::exchange(for_elsewhere_, {}); }
    // When hand_out may have something to do without another input.
    Time next_deadline() const;

    // ---- Large messages.
    bool has_large_messages() const { return !large_.empty(); }
    // Those whose consumer has waited for the next part since `before`, or longer.
    std::vector<LargeMessage*> waiting_for_parts(Time before);
    LargeMessage* large_message(const ProducerId& producer, std::uint64_t first_sequence) {
        return large_.find(producer, first_sequence);
    }
    // Those of which a peer has a part and gets the rest from here.
    std::vector<LargeMessage*> with_peer(PeerTaker taker);
    // All of which a peer has a part, the last one or not.
    std::vector<LargeMessage*> undecided_with(PeerTaker taker) {
        return large_.find_all([&](const LargeMessage& message) { return message.peer == taker; });
    }
    // The peer does not come back for the rest: another taker gets the whole.
    void reclaim(LargeMessage& message);
    // Its origin is gone for good: what came of it goes to the dead letters.
    void bury_whole(LargeMessage& message, const std::string& reason);

    // ---- The journal.
    Run& run(wire::Lane lane) { return runs_[static_cast<std::size_t>(lane)]; }
    void recover(const Recovered::Stream& found, Time oldest) {
        run(found.id.lane).recover(found, oldest);
    }
    void trim(std::uint64_t memory_bytes_max);
    // Only where somebody can take it: a consumer of its own, or `for_peer`.
    void read_on_if_wanted(std::uint64_t memory_bytes_max, bool for_peer,
                           std::vector<ReadBack>& reads);
    void on_loaded(const Loaded& answer);

    // ---- What has waited too long on some channels, as Remote has it; not what was handed out.
    std::vector<Entry> take_old(const Run::Search& search, std::vector<ReadBack>& reads);
    std::vector<Entry> take_old(const Loaded& answer, const Run::Search& search);
    std::vector<Entry> take_rests() { return std::exchange(rests_, {}); }
    template <class Visit>
    void for_each_run(Visit visit) {
        for (Run& lane : runs_) visit(lane);
    }

    // Requests whose responder was lost with them, or that nobody is left to answer.
    struct Unanswered {
        Entry entry;
        std::uint32_t first = 0, count = 0;
        bool begun = false;  // a responder had it
    };
    std::vector<Unanswered> take_unanswered() { return std::exchange(unanswered_, {}); }
    // Nobody here answers what waits; `pinned`: only what may not go elsewhere.
    void give_up_waiting(bool pinned);

    // ---- A durable subscription beyond its share.
    struct Quota {
        std::uint64_t bytes = 0;
        Duration age{};
        friend bool operator==(const Quota&, const Quota&) = default;
    };
    // Takes out the oldest of what was not handed out, as far as it is too old or too much; what is
    // on disk only is asked for. A large message goes whole, or not at all.
    std::vector<Entry> take_lapsed(std::uint64_t memory_bytes_max, std::vector<ReadBack>& reads);

    // Everything is given up; the destination itself is the caller's to forget.
    void purge();

    // May a batch that comes now be expected to settle soon?
    bool settles_soon() const;
    const SettleTime& settle_time() const { return settle_time_; }
    Run::Size waiting() const;  // in its runs and handed out
    std::uint64_t queued_bytes() const;
    std::uint64_t unacknowledged() const;
    Time oldest() const;
    Time oldest_waiting() const;  // not handed out
    bool idle() const { return waiting().entries == 0 && consumers_.empty(); }

    // The exchange's own notes on it.
    Submission stored_by;    // the submission that makes a new durable subscription durable
    bool unblocked = false;  // a peer has the last part of a message that only it could take
    bool dirty = false;
    bool gives_all_away = false;  // also what a peer sent to it
    Time linger_until = never;    // dropped then, unless a consumer came
    bool interest_shown = false;
    Time interest_since{};           // it was shown last
    std::vector<Remote*> takers;     // agents that work on it
    std::vector<Remote*> declarers;  // agents that want this subscription group to be
    std::size_t next_taker = 0;      // of best effort
    Quota quota;                     // of a durable subscription or a group: its share here
    bool collecting = false;         // something waits: it is looked at from time to time
    bool lapsing = false;            // its log knows
    Gaps gaps;                       // of a subscription
    bool behind = false;             // its consumers are: others are not invited to send more
    struct Attendance {
        bool ever = false;                 // somebody has consumed it since this agent started
        std::optional<Time> lonely_since;  // something waits, and nobody consumes it anywhere
        bool told = false;
    } attendance;
    std::uint32_t idle_ticks = 0;

  private:
    // A batch of which something was handed out, until all of it is decided.
    struct Out {
        Entry entry;
        std::uint32_t remaining = 0;  // messages not acknowledged
        SettledApart apart;
        std::uint32_t at_peers = 0;      // of those that remain, in pieces
        std::vector<bool> acknowledged;  // empty while it is all or nothing
        LargeMessage* large = nullptr;   // that it is a part of
        Settlement how = Settlement::settled;
    };
    struct Work {  // what is to be handed out before the runs: cut rests and what came back
        std::uint32_t count = 0;
        std::uint16_t attempt = 1;     // hand-outs of it, with the next one
        std::uint16_t deliveries = 0;  // of those before, in which its consumer really had it
        bool suspect = false;          // its last consumer's session broke off
        KeyTurns::Key key = 0;         // it is one message, of those with this key
    };
    using WorkKey = std::pair<BatchId, std::uint32_t>;  // batch, first message

    // Why a range comes back, and when it may go out again.
    struct Return {
        bool counts = false;  // its consumer really had it
        bool suspect = false;
        Duration pause{};
    };

    bool is_pinned(const Entry& entry) const;
    Run* oldest_lane();
    Entry* left_behind(PeerTaker taker);
    Entry take_left_behind(PeerTaker taker);
    bool may_go_to_peer(const Out& out, const Work& work, PeerTaker taker);
    static bool is_untouched(const Out& out, const Work& work);
    std::uint32_t share_of_peer(const Entry& entry, std::uint32_t count) const;
    Entry cut(Out& out, std::uint32_t first, std::uint32_t count);
    void decide_piece(const Entry& piece, Settlement how);
    void note_acknowledged(Out& out, std::uint32_t first, std::uint32_t count);
    bool take_from_runs();
    Entry* front_of(Run& lane);
    Run* next_lane();
    bool may_go_to_peer(const Entry& entry, PeerTaker taker);
    bool is_expired(const Entry& entry);
    void expire(std::map<BatchId, Out>::iterator at, std::uint32_t first, std::uint32_t count);
    bool is_moot(const wire::BatchHeader& batch);
    void settle_alone(const Entry& entry);
    LargeMessage* note_part(const Entry& entry);
    void leave_large(ConsumerId gone);
    void take_back_large(LargeMessage& message, Consumer& consumer, const Return& why);
    void give_back_whole(LargeMessage& message);
    void decide_part(std::map<BatchId, Out>::iterator at);
    void settle_whole(LargeMessage& message);
    void forget_work(BatchId batch);
    // Large messages that are read part by part: parts wait beside what else is handed out.
    bool waits_ahead(const LargeMessage& message);
    void wait_ahead(LargeMessage& message, BatchId part, const Work& work);
    void release_ahead(LargeMessage& message);
    void end_rest(LargeMessage& message);
    bool hand_out_ahead(Effects& effects);
    bool hand_out_ahead(LargeMessage& message, Effects& effects);
    void spare_ahead(LargeMessage& message);
    bool look_behind();
    bool is_awaited(BatchId part) const;
    bool turn_away_whole(Consumer& consumer, const wire::Ack& ack);
    void take_in_hand(const LargeMessage& message, Consumer& consumer);
    void undo_decisions(LargeMessage& message);
    void rest_whole(LargeMessage& message, const Work& work, Duration pause);
    void recall(const Entry& entry);
    void on_recalled(const Loaded& answer);
    void lose(std::map<BatchId, Out>::iterator at);
    bool may_begin();
    bool hand_out_one(Effects& effects);
    Consumer* consumer_for(const Out& out, bool suspect);
    std::uint32_t share(Consumer& consumer, const Out& out, const Work& work);
    void deliver(Consumer& consumer, const Out& out, std::uint32_t first, const Work& work,
                 Effects& effects);
    void rule(Consumer& consumer, const wire::Ack& ack);
    void carry_out(const Lease& lease, const wire::Ack& ack, std::uint32_t first,
                   std::uint32_t count);
    void note_verdict(const Lease& lease, const wire::Ack& ack, std::uint32_t first,
                      std::uint32_t count);
    void take_back_overdue(Consumer& consumer);
    void take_back(Consumer& consumer, std::uint64_t tag, const Return& why);
    void give_back(const Lease& lease, std::uint32_t first, std::uint32_t count, const Return& why);
    void put_back(const Out& out, std::uint32_t first, const Work& work, Duration pause);
    void acknowledge(BatchId batch, std::uint32_t first, std::uint32_t count, Time since);
    // A queue that is kept here.
    void line_up(const Entry& entry);
    void pass_turn(const WorkKey& decided);
    void go_on(const KeyTurns::Next& next);
    bool park(WorkKey at, const Work& work, Consumer& consumer);
    std::size_t parked() const;
    Consumer* consumer_of(KeyTurns::Key key);  // nullptr: there are none
    void return_parked();
    void dissolve_lines();
    void forget_turns(BatchId batch);
    void learn_settle_time(const Entry& entry, Time since);
    void settle(std::map<BatchId, Out>::iterator at);
    void bury(std::map<BatchId, Out>::iterator at, std::uint32_t first, std::uint32_t count,
              const std::string& reason, std::uint32_t attempts);
    Consumer* find(ConsumerId id);

    Destination destination_;
    Keeper& keeper_;
    Leases& leases_;
    std::array<Run, wire::lane_count> runs_;
    wire::LaneTurns lanes_;
    std::vector<Consumer> consumers_;
    Time forsaken_since_;  // while there are none
    std::size_t next_consumer_ = 0;
    std::map<BatchId, Out> out_;
    std::map<WorkKey, Work> ready_;
    std::multimap<Time, std::pair<WorkKey, Work>> resting_;
    Time free_again_ = never;  // a consumer's rate, or caution, is all that is in the way
    Keeping keeping_;
    KeyTurns turns_;
    // Whose turn it is, and whose consumer has no room.
    std::map<ConsumerId, std::map<WorkKey, Work>> parked_;
    std::vector<ToApp> for_elsewhere_;
    LargeMessages large_;
    Overdue overdue_;
    BegunMessages lapsed_;  // of these the beginning has lapsed
    std::vector<Entry> rests_;
    std::vector<Unanswered> unanswered_;
    std::optional<ReadBack> recall_;  // to be asked for
    bool recalling_ = false;
    SettleTime settle_time_;
    Time last_settled_{};
    std::optional<LastGiven> last_given_;  // of a late joiner
};

}  // namespace bus::core
