// Another agent, however many hops away: what is owed to it, what it wants, and
// by which neighbour it is reached. What was on its way by a neighbour whose
// link failed comes back here, flagged, and leaves first by another.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/group.h"
#include "core/interest.h"
#include "core/keeper.h"
#include "core/overdue.h"
#include "core/stream.h"
#include "wire/lane_turns.h"

namespace bus::core {

class Outbound;

class Remote {
  public:
    Remote(Destination destination, Keeper& keeper);
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;

    const AgentId& agent() const { return destination_.agent; }
    DestinationId id() const { return destination_.id; }
    const Destination& destination() const { return destination_; }

    // ---- What it is owed.
    void offer(Entry entry) {
        Stream& to =
            entry.custody->fleeting ? streams_[fleeting] : stream(entry.batch().header().lane);
        to.push(std::move(entry));
    }
    // `queue`: whom the entry was taken from; nullptr: from its own stream.
    struct Owed {
        Entry entry;
        Group* queue = nullptr;
    };
    // The batch as it leaves: of what topics feed it says for which group it is.
    static Batch as_sent(const Entry& entry, const Group* queue) {
        return queue == nullptr ? entry.batch() : for_group(entry.batch(), queue->group());
    }
    // It had left, and may arrive that way yet.
    void take_back(Owed owed);
    // The entry whose turn it is among the lanes and the queues it works on; nullptr: none may
    // leave now.
    Entry* choose(const HeldChannels& held);
    // Takes what choose() showed.
    Owed take();
    // Takes that batch, if it is the next of its lane: it travels with its copy for another agent.
    std::optional<Entry> take_same(BatchId batch, wire::Lane lane, const HeldChannels& held);
    // An abort for what it held of a large message of a queue, when it has got that message from
    // the queue again meanwhile.
    bool is_moot(const Entry& entry) const;
    // What it has of it is taken back by its queue.
    void abandon(const Group& queue, const LargeMessage& message);
    // What came back to it of that queue.
    void withdraw(const Group& queue, std::vector<Entry>& entries);
    // What came back to it of those queues that it took from, for them.
    std::vector<Owed> return_to_queues();
    // Everything is given up: what is in memory goes to `entries`. Returns the messages that are on
    // disk only.
    std::uint64_t take_all(std::vector<Owed>& entries);

    // Requests and replies whose time is over while the agent is away: nobody waits for them.
    void end_fleeting();
    std::uint64_t fleeting_bytes() const { return streams_[fleeting].size().bytes; }

    // ---- Large messages. A relay that has a part may be lost with it, and the parts must come in
    // order: so what a relay has acknowledged of a message is kept until it has acknowledged all of
    // it, and another relay gets the whole.
    void note_left(const Entry& entry, const Group* queue);
    void note_back(const Entry& entry, const Group* queue);
    // It was acknowledged, or ended. What was kept, if so has all of its message.
    std::optional<std::vector<Entry>> note_decided(const Entry& part, const Group* queue);
    // A message of which a relay has, or may have, a part and not all.
    bool is_half_way() const { return !half_way_.empty(); }
    std::uint32_t parts_under_way() const;
    void keep_part(Entry entry);
    // Another path carries it all, from the beginning.
    void begin_anew();
    // Of which nothing has come since: its source took another way in the middle of it.
    void forget_parts(Time before);

    // What has waited since before `before`, is journaled (its dead letter must not be lost before
    // its source is told) and has not left; large messages as a whole, unless they have begun to
    // leave. What is on disk of the oldest is asked for.
    std::vector<Entry> take_overdue(Time before, std::vector<ReadBack>& reads);
    // The same on some channels, wherever it stands. What is on disk only comes with the answer.
    std::vector<Entry> take_old(const Run::Search& search, std::vector<ReadBack>& reads);
    std::vector<Entry> take_old(const Loaded& answer, const Run::Search& search);
    // The rest of messages whose beginnings went that way, as it came to the front.
    std::vector<Entry> take_rests() { return std::exchange(rests_, {}); }
    template <class Visit>
    void for_each_run(Visit visit) {
        for (Stream& lane : streams_) lane.for_each_run(visit);
    }

    // ---- The journal.
    Stream& stream(wire::Lane lane) { return streams_[static_cast<std::size_t>(lane)]; }
    void trim(std::uint64_t memory_bytes_max);
    void read_on(std::uint64_t memory_bytes_max, const HeldChannels& held,
                 std::vector<ReadBack>& reads);
    void on_loaded(const Loaded& answer);

    // ---- What others ask.
    bool settles_soon() const;
    Run::Size waiting() const;  // not on its way
    std::uint64_t queued_bytes() const;
    Time oldest() const;

    // The exchange's notes on it.
    std::string name;         // for people; empty: not heard of
    std::string kept_name;    // that the journal has
    Outbound* via = nullptr;  // of the neighbour by which it is reached; nullptr: of none
    bool up = false;          // all links on the way are
    Time down_since{};        // while not
    PeerInterest interest;
    std::vector<Group*> queues;  // those it works on
    bool active = false;         // is in its outbound's round

  private:
    // Sources: what came back, the lanes, requests and replies, the queues.
    static constexpr std::size_t of_returned = 0;
    static constexpr std::size_t of_lanes = 1;
    static constexpr std::size_t of_fleeting = of_lanes + wire::lane_count;
    static constexpr std::size_t of_queues = of_fleeting + 1;
    Entry* front(std::size_t source, const HeldChannels& held);
    Entry* front_of_lanes(const HeldChannels& held);
    Entry* front_returned(const HeldChannels& held);
    void on_recalled(const Loaded& answer);

    const Destination destination_;
    Keeper& keeper_;
    // Requests and replies have one of their own, behind those of the lanes: what waits on disk
    // must not stand before them.
    static constexpr std::size_t fleeting = wire::lane_count;
    std::array<Stream, wire::lane_count + 1> streams_;
    std::deque<Owed> returned_;  // in the order they were taken
    struct HalfWay {
        std::uint32_t under_way = 0;  // parts that have left and are not decided
        bool last_left = false;
        Time moved{};
        std::vector<Entry> kept;
    };
    std::map<LargeMessageKey, HalfWay> half_way_;
    static LargeMessageKey key_as_sent(const Entry& part, const Group* queue);
    BegunMessages begun_;  // by the present way
    Overdue overdue_;
    std::vector<Entry> rests_;
    std::optional<ReadBack> recall_;  // of what is kept: to be asked for
    bool recalling_ = false;
    wire::LaneTurns lanes_;    // of its own streams, among themselves
    std::size_t turn_ = 0;     // 0: its lanes; then requests and replies, then the queues
    std::size_t showing_ = 0;  // a source
    std::size_t again_ = 0;    // in returned_
};

}  // namespace bus::core
