// What is on its way to one neighbour, for it and for agents behind it. A batch
// gets its number when it first leaves; it stays here, numbered, until the
// neighbour has acknowledged it as safe, over as many link sessions as that
// takes, or until its path is given up and it goes another way.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "base/few.h"
#include "core/bulk_pace.h"
#include "core/effects.h"
#include "core/group.h"
#include "core/keeper.h"
#include "core/passed_on.h"
#include "core/rate.h"
#include "core/remote.h"
#include "core/settle_time.h"
#include "core/stream.h"
#include "wire/link.h"

namespace bus::core {

class Outbound {
  public:
    // One frame as it leaves: without session and count, and without its route.
    struct Parcel {
        wire::Envelope envelope;
        Batch batch;
        std::vector<AgentId> finals;  // none: the neighbour
        DestinationId source;         // the agent it came from; 0: this host
        std::uint8_t hops = 0;
    };
    // Sends it over the link session that is open; returns its count there.
    using Send = std::function<std::uint64_t(const Parcel&)>;

    // `dirty`: those for which pump may have something to do add themselves.
    Outbound(Keeper& keeper, std::vector<Outbound*>& dirty)
        : keeper_(keeper), all_dirty_(dirty), passed_on_(keeper) {}
    Outbound(const Outbound&) = delete;
    Outbound& operator=(const Outbound&) = delete;

    // ---- The agents that are reached by it.
    // The neighbour itself.
    void set_neighbour(Remote& remote) { neighbour_ = &remote; }
    void forget_neighbour() { neighbour_ = nullptr; }
    // It has another key and entry now: `former` led to it, and has used these numbers.
    void follow(const Outbound& former) {
        last_number_ = std::max(last_number_, former.last_number_);
        given_ = std::max(given_, former.given_);
    }
    void attach(Remote& remote);
    void detach(Remote& remote);
    const std::vector<Remote*>& remotes() const { return remotes_; }
    // It may have something to send.
    void wake(Remote& remote);
    void wake_all();
    // Best effort, within its small share of the window, or not taken.
    [[nodiscard]] bool offer_now(const Parcel& parcel, const Send& send);

    // ---- The link session.
    // The neighbour, in this incarnation of it, has taken my numbers up to `taken`: what is beyond
    // goes again, first and in order.
    void open(std::uint64_t peer_incarnation, std::uint64_t taken, std::uint64_t window,
              const std::vector<wire::ChannelKey>& held);
    void close();
    // Whether data may leave in this session, beyond what it opened with: not before the
    // neighbour is known to be the one it was.
    void let_flow(bool flows);
    bool flows() const { return flows_; }
    bool is_open() const { return open_; }
    // false: it acknowledges what was never sent.
    [[nodiscard]] bool on_ack(const wire::LinkAck& ack);
    // The neighbour never will take it: to the dead letters. false: no such number is on its way.
    [[nodiscard]] bool on_refuse(std::uint64_t number, const std::string& reason);
    // The neighbour, a relay, says what became of what it passed on; or nobody can say any more.
    void on_arrived(const wire::LinkArrived& arrived);
    void forget_passed_on() { passed_on_.forget_all(); }
    // While no session is open: what is on its way for that agent goes back to it; for all those
    // that are reached by another neighbour now.
    void give_back(Remote& remote);
    void give_back_rerouted();
    // The link is gone for good: all of it.
    void give_back_all();
    // Whatever is on its way for that agent is not any more; what was taken over may still arrive.
    std::vector<Remote::Owed> withdraw(const Remote& remote);
    // The same, of that queue.
    void withdraw(const Group& queue, std::vector<Entry>& entries);
    // On its way for that agent; of its own stream, or of queues as well.
    enum class Of : std::uint8_t { own_stream, everything };
    Run::Size under_way_to(const Remote& remote, Of which) const;
    // What an agent has of it is taken back by its queue.
    void abandon(const Group& queue, const LargeMessage& message);
    void hold(const std::vector<wire::ChannelKey>& channels);
    void resume(const std::vector<wire::ChannelKey>& channels);
    const HeldChannels& held() const { return held_; }
    void set_rules(HeldChannels::MayHave may_have) {
        held_.set_rules(std::move(may_have));
        wake_all();
    }

    // Sends what may leave now, fairly among the agents behind it and their lanes and queues.
    void pump(const Send& send);
    void set_rate(std::uint64_t bytes_per_second) { rate_.set(bytes_per_second); }
    // When pump may go on, if only the rate keeps it.
    Time next_deadline() const { return open_ && waits_for_rate_ ? rate_.free_at() : never; }
    // What is on disk of what may leave.
    void read_on(std::uint64_t memory_bytes_max, std::vector<ReadBack>& reads);

    bool settles_soon() const;
    const SettleTime& settle_time() const { return settle_time_; }
    Run::Size backlog() const;  // waiting for it and on its way
    Run::Size under_way() const;
    // It has acknowledged my numbers up to here.
    std::uint64_t given() const { return given_; }
    std::uint64_t in_flight_bytes() const { return bytes_out_; }
    std::uint64_t window() const { return window_; }
    Time oldest() const;

  private:
    // One agent's claim on what is on its way.
    struct Carried {
        Entry entry;
        Remote* to = nullptr;
        Group* queue = nullptr;  // that it was taken from
        bool done = false;
    };
    struct Flight {
        std::uint64_t number = 0;
        std::uint64_t bytes = 0;
        std::uint64_t left_for = 0;  // the receiver's incarnation when it first left
        std::uint64_t sent_to = 0;   // when it last left
        Time since{};
        bool counted = false;  // in bytes_out_, in this session
        // The relay's word, ahead of its acknowledgement, which names only a few ranges.
        std::optional<wire::Fate> arrived;
        std::uint32_t open = 0;  // carried that are not done
        Few<Carried, 1> carried;

        bool done() const { return open == 0; }
        const Entry& entry() const;  // of any that is not done
        Batch as_sent() const;
    };

    void send_flight(Flight& flight, bool again, const Send& send);
    void resend(const Send& send);
    bool send_next(const Send& send);
    bool send_from(Remote& remote, Entry& front, const Send& send);
    void join_copies(Flight& flight);
    void join(Flight& flight, Remote& remote);
    void touch();
    bool is_free();
    bool fits(std::uint64_t bytes) const;
    bool parts_may_leave() const;
    void finish(Flight& flight);
    void note(Event::Kind what, const Batch& batch, std::string_view words = {}) const;
    void land(Flight& flight, Settlement how);
    void settle(Carried& carried, Settlement how);
    void pass_on(Carried& carried, Settlement how);
    void note_passed_on(const Flight& flight);
    template <class Wanted>
    void give_back_if(Wanted wanted);
    void drop_landed();
    Flight* find(std::uint64_t number);

    Keeper& keeper_;
    std::vector<Outbound*>& all_dirty_;
    bool dirty_ = false;
    Remote* neighbour_ = nullptr;
    std::vector<Remote*> remotes_;
    std::vector<Remote*> active_;  // the round
    std::size_t turn_ = 0;

    PassedOn passed_on_;

    std::uint64_t last_number_ = 0;
    std::uint64_t given_ = 0;
    std::deque<Flight> flights_;
    std::size_t resend_at_ = 0;  // flights from here on are to go again; the size: none

    bool open_ = false;
    bool flows_ = true;
    std::uint64_t peer_incarnation_ = 0;
    std::uint64_t window_ = 0;
    std::uint64_t bytes_out_ = 0;
    HeldChannels held_;
    Rate rate_;
    BulkPace bulk_;
    bool waits_for_rate_ = false;
    bool yields_ = false;  // the next batch of that queue is another neighbour's, if it can take it
    // Best effort on the way: what the peer's ack.received has not confirmed yet.
    struct Loose {
        std::uint64_t count, bytes;
    };
    std::deque<Loose> loose_;
    std::uint64_t loose_bytes_ = 0;
    SettleTime settle_time_;
    Time last_settled_{};
};

}  // namespace bus::core
