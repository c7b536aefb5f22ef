// What this agent owes one peer, and what is on its way there. A batch gets
// its number when it first leaves; it stays here, numbered, until the peer has
// acknowledged it as safe, over as many link sessions as that takes.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "core/effects.h"
#include "core/group.h"
#include "core/keeper.h"
#include "core/settle_time.h"
#include "core/stream.h"
#include "wire/link.h"

namespace bus::core {

class Outbound {
  public:
    // Sends one frame over the link session that is open: fills in session and count; returns the
    // count.
    using Send = std::function<std::uint64_t(wire::Envelope, const Batch&)>;

    Outbound(Destination destination, Keeper& keeper);

    const Destination& destination() const { return destination_; }

    void offer(Entry entry);
    // Best effort, within its small share of the window, or not taken.
    [[nodiscard]] bool offer_now(const Batch& batch, std::uint64_t lifetime_millis,
                                 const Send& send);

    // ---- The link session.
    // The peer, in this incarnation of it, has taken my numbers up to `taken`: what is beyond goes
    // again, first and in order.
    void open(std::uint64_t peer_incarnation, std::uint64_t taken, std::uint64_t window,
              const std::vector<wire::ChannelKey>& held);
    void close();
    bool is_open() const { return open_; }
    void set_window(std::uint64_t window) { window_ = window; }
    // false: it acknowledges what was never sent.
    [[nodiscard]] bool on_ack(const wire::LinkAck& ack);
    // The peer never will take it: to the dead letters. false: no such number is on its way.
    [[nodiscard]] bool on_refuse(std::uint64_t number, const std::string& reason);
    // While no session is open: what the peer has of it is taken back by its queue.
    void abandon(const Group& queue, const LargeMessage& message);
    HeldChannels& held() { return held_; }
    const HeldChannels& held() const { return held_; }

    // Sends what may leave now, fairly among the lanes and the queues that the peer works on.
    void pump(const std::vector<Group*>& queues, const Send& send);
    bool has_window() const { return open_ && bytes_out_ < window_; }

    // ---- The journal.
    Stream& stream(wire::Lane lane) { return streams_[static_cast<std::size_t>(lane)]; }
    void trim(std::uint64_t memory_bytes_max);
    void read_on(std::uint64_t memory_bytes_max, std::vector<ReadBack>& reads);

    bool settles_soon() const;
    const SettleTime& settle_time() const { return settle_time_; }
    Run::Size backlog() const;  // waiting and on the way
    std::uint64_t queued_bytes() const;
    std::uint64_t in_flight_bytes() const { return bytes_out_; }
    std::uint64_t window() const { return window_; }
    std::uint64_t numbered() const { return last_number_; }
    Time oldest() const;

    // The exchange's note: pump may have something to do.
    bool dirty = false;

  private:
    struct Flight {
        std::uint64_t number = 0;
        Entry entry;
        std::uint64_t left_for = 0;  // the receiver's incarnation when it first left
        Time since{};
        bool done = false;
        bool counted = false;    // in bytes_out_, in this session
        Group* queue = nullptr;  // that it was taken from
    };

    void send_flight(Flight& flight, bool again, const Send& send);
    void resend(const Send& send);
    bool send_next(const std::vector<Group*>& queues, const Send& send);
    Entry* choose(std::size_t source, const std::vector<Group*>& queues);
    Entry take(std::size_t source, const std::vector<Group*>& queues, const Entry& entry);
    bool fits(const Entry& entry) const;
    bool is_moot(const Entry& entry, const std::vector<Group*>& queues) const;
    void finish(Flight& flight);
    void land(Flight& flight, Settlement how);
    Flight* find(std::uint64_t number);

    const Destination destination_;
    Keeper& keeper_;
    std::array<Stream, wire::lane_count> streams_;
    std::uint32_t turn_ = 0;

    std::uint64_t last_number_ = 0;
    std::deque<Flight> flights_;
    std::size_t resend_at_ = 0;  // flights from here on are to go again; the size: none

    bool open_ = false;
    std::uint64_t peer_incarnation_ = 0;
    std::uint64_t window_ = 0;
    std::uint64_t bytes_out_ = 0;
    HeldChannels held_;
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
