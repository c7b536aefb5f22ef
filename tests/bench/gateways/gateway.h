// One simulated field gateway: an agent as far as PROTOCOL.md, "The link
// protocol", shows it to its peer. It dials the hub, says HELLO, tells its
// interest, publishes small batches at a rate, keeps what is not acknowledged
// and sends it again in the next session.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "gateways/connection.h"
#include "wire/link.h"

namespace bus::bench {

// What every gateway is to do; may change while they run.
struct Job {
    double rate = 0;            // messages a second; 0: none
    std::size_t payload = 100;  // bytes
    std::size_t filters = 0;    // subscriptions
    bool durable = false;       // these are
};

class Gateway {
  public:
    Gateway(std::size_t number, io::Context& context, const HubAddress& hub, io::LinkKeys own,
            Readiness& readiness, const Job& job, Tally& tally);

    const std::string& name() const noexcept { return name_; }
    const std::string& public_key() const noexcept { return connection_.public_key(); }
    void begin(Time now) { connection_.begin(now); }
    // Publishes from now on at the job's rate, or no more.
    void pace(Time now);
    // One more subscription, of which nothing is said but that the digest is another one.
    void differ(Time now);

    Time due() const;
    void advance(Time now);
    // There is something to read.
    void read(Time now);

  private:
    struct Sent {
        std::uint64_t number;
        std::vector<std::byte> batch;
        bool left_for_another = false;  // incarnation of the hub
    };

    void greet(Time now);
    void end_session();
    void take(const io::Frame& frame, Time now);
    bool count_in(std::uint64_t session, std::uint64_t count, Time now);
    void take_data(const io::Frame& frame, Time now);
    void take_control(const wire::LinkFrame& frame, Time now);
    void open(const wire::LinkHello& hello, Time now);
    void acknowledge(const wire::LinkAck& ack);
    void take_ticket(const wire::LinkTicket& ticket, Time now);
    void begin_to_send(Time now);
    void answer(const wire::LinkKeepalive& keepalive, Time now);
    void hold(const wire::LinkHold& hold);
    void on_reset(const wire::LinkReset& reset, Time now);

    void send(wire::LinkBody body, Time now);
    void send_batch(const Sent& sent, Time now);
    void tell_interest(Time now);
    void keep_alive(std::uint64_t echo, std::uint64_t reply_to, Time now);
    wire::InterestItem item(std::size_t at) const;
    bool has_room() const;
    void publish(Time now);
    std::vector<std::byte> next_batch();
    std::uint64_t cost(const Sent& sent) const;

    const std::string name_, channel_;
    const Job& job_;
    Tally& tally_;
    Connection connection_;
    const AgentId agent_;
    const ProducerId producer_;
    const std::uint64_t incarnation_, nonce_;

    // The session.
    bool open_ = false, synchronised_ = false;
    bool flows_ = false;  // the hub has its ticket
    std::uint64_t session_ = 0, counted_ = 0, received_ = 0;
    Time last_sent_{}, last_heard_{};
    // What is known of the hub.
    wire::Ticket issued_, ticket_;  // to the hub, from it
    std::uint64_t hub_incarnation_ = 0, hub_nonce_ = 0, taken_ = 0;
    std::uint64_t hub_has_ = 0;  // of this gateway's numbers
    // What it is owed.
    std::deque<Sent> sent_;
    std::uint64_t on_the_way_ = 0, window_ = 0;  // bytes
    std::uint64_t number_ = 0, held_ = 0;        // channels that the hub holds
    Time next_publish_ = never;
    std::vector<wire::InterestItem> items_;
    std::uint64_t interest_version_ = 1, digest_ = 0;
    std::string payload_;
};

}  // namespace bus::bench
