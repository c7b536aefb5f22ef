// An app: libbus's session logic on a simulated connection, a publisher that
// draws what it sends, and consumers that work for a while and acknowledge.
// Killed, it is gone with all it had; another instance takes its place.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host.h"
#include "operators.h"
#include "oracle.h"
#include "session/consumer_session.h"
#include "session/producer_session.h"
#include "session/unpacker.h"

namespace bus::sim {

struct WantedSubscription {
    wire::Kind kind = wire::Kind::topic;
    std::string filter;
    std::string durable;
    std::uint32_t prefetch_messages = 100;
    std::uint32_t ack_deadline_millis = 0;
    std::uint32_t rate = 0;
    bool parts = false;  // acknowledges each part of a large message as it goes on to the next
    std::string group = {};
    bool last = false;  // a late joiner
};

const std::vector<std::string>& services();

// How an app behaves; kept over its restarts.
struct Habits {
    bool publishes = false;
    Duration publish_every = std::chrono::milliseconds{20};
    Duration publish_after{};  // the first time
    std::uint64_t burst_max = 3;
    std::vector<wire::ChannelKey> channels;
    std::uint32_t payload_max = 200;
    std::uint64_t large_per_mille = 0, best_effort_per_mille = 0, expiring_per_mille = 0;
    std::uint64_t delayed_per_mille = 0;
    std::uint64_t other_lane_per_mille = 0, arrived_per_mille = 0;
    std::uint64_t keyed_per_mille = 0;     // of what goes to queues
    std::uint64_t consumed_per_mille = 0;  // of those
    std::vector<WantedSubscription> subscriptions;
    Duration ask_every{};  // requests; 0: none
    std::vector<std::string> serves;
    std::uint32_t serve_prefetch = 10;
    Duration work_max = std::chrono::milliseconds{5};
    std::uint64_t nack_per_mille = 0;
    std::uint64_t through_per_mille = 0, extend_per_mille = 0;
    Duration slow_to_subscribe{};  // after a reconnect
    bool declared = false;         // its durable subscriptions are, by an operator, before it comes
};

// Subscriptions outlive app instances: who stands for which place.
class Places {
  public:
    explicit Places(Book& book) : book_(book) {}
    // `own_name`: what an agent calls it if it is anonymous.
    PlaceId enter(int host, const WantedSubscription& wanted, const std::string& own_name);
    void forget(int host, const std::string& durable) { durables_.erase({host, durable}); }

  private:
    Book& book_;
    std::map<std::pair<int, std::string>, PlaceId> durables_;
};

class App {
  public:
    struct Surroundings {
        Timeline& timeline;
        Random& random;
        Trace& trace;
        Oracle& oracle;
        Places& places;
    };
    App(const Surroundings& around, int index, std::uint64_t instance, Host& host,
        const Habits& habits);
    ~App();
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    void connect();
    // The connection breaks; the app notices after that, its host too.
    void disconnect(Duration app_notices, Duration host_notices);
    void on_host_died();
    // Nothing is said to anybody but by the kernel.
    void die(Duration host_notices);
    void stop_publishing() { publishing_ = false; }
    void publish_rarely(Duration every) { every_ = ask_every_ = every; }
    // One message on the channel, whatever its habits; false if there was no room.
    bool publish(const wire::ChannelKey& channel, std::uint32_t bytes, wire::Stage stage,
                 wire::Lane lane, wire::Mode mode, std::uint64_t ttl_millis,
                 std::uint64_t delay_millis = 0);
    // `probe`: it must be answered.
    void ask(const std::string& service, bool probe);
    // Ends one of its durable subscriptions for good; false if it has none.
    bool forget_one();
    // An operator does; it goes on until that is on disk.
    bool lose_one(Operators& operators);
    // Its durable subscriptions and the places they stand for.
    std::vector<std::pair<std::string, PlaceId>> durables() const;
    bool is_forgetting() const { return !forgetting_.empty(); }
    void work_normally() { nacks_ = false; }
    // What it does with messages meanwhile, nobody hears of.
    void keep_acks_until(Time when) { acks_again_ = when; }

    void on_frame(const Frame& frame);
    PlaceId place_of(std::uint64_t subscription) const;
    // As the oracle knows its only subscription.
    std::uint64_t consumer() const { return consumer_number(subscribers_.begin()->first); }

    int index() const { return index_; }
    Host& host() const { return host_; }
    const Habits& habits() const { return habits_; }
    const session::ProducerSession& producer() const { return *producer_; }
    bool is_welcome() const { return welcome_; }
    bool is_subscribed() const;
    bool is_idle() const;
    Time lost_since() const { return lost_since_; }
    std::vector<PlaceId> anonymous_places() const;

  private:
    struct Subscriber {
        PlaceId place = 0;
        WantedSubscription wanted;
        std::unique_ptr<session::Unpacker> unpacker;
        // Of one that reads part by part: what has come of large messages, and which of their
        // beginnings came marked.
        std::unique_ptr<session::Unpacker> joiner;
        std::set<std::pair<ProducerId, std::uint64_t>> marked;
        bool confirmed = false;
        std::uint32_t at_work = 0;  // messages of this connection that are not ruled on
    };
    struct Large {
        session::LargeMessage message;
        std::vector<std::byte> payload;
        std::string channel;
        MessageId id = 0;
    };

    void hello();
    void lose_connection();
    void send(Frame frame);
    void pump();
    void plan_pump(Time when);
    void settle();
    void on_reply(const Frame& frame);
    void on_welcome(const wire::Welcome& welcome);
    void on_delivery(const Frame& frame);
    void on_last_value(std::uint64_t subscription, const Frame& frame);
    void on_received(std::uint64_t subscription, const session::Received& received,
                     bool guaranteed);
    void on_part(std::uint64_t subscription, const Frame& frame, const wire::Envelope& envelope,
                 const wire::BatchHeader& header);
    void read_part(const wire::Envelope& envelope);
    void begin_work(Subscriber& subscriber);
    void rule(std::uint64_t epoch, std::uint64_t subscription, const std::vector<wire::Ack>& acks);
    void publish_some();
    void plan_publishing();
    void plan_asking();
    void on_answers(const wire::DecodedEnvelope& decoded, const wire::BatchHeader& header);
    void on_questions(const wire::DecodedEnvelope& decoded, const wire::BatchHeader& header);
    void answer(QuestionId id, const std::string& address);
    template <class Visit>
    void for_each_message(const wire::DecodedEnvelope& decoded, const wire::BatchHeader& header,
                          Visit visit);
    void publish_large(const wire::ChannelKey& channel);
    void offer_parts();
    // Of all instances and their subscriptions.
    std::uint64_t consumer_number(std::uint64_t subscription) const {
        return (1ull << 40) + instance_ * 1000 + subscription;
    }
    void end_removed(std::uint64_t subscription);
    session::Stamp stamp() const;
    std::uint64_t& order_of(const wire::ChannelKey& channel, wire::Lane lane);
    // Not if it is dead by then.
    template <class Action>
    void later(Duration delay, Action action) {
        around_.timeline.after(delay, [living = living_, action = std::move(action)] {
            if (*living) action();
        });
    }

    const Surroundings around_;
    const int index_;
    const std::uint64_t instance_;
    Host& host_;
    const Habits habits_;
    std::shared_ptr<bool> living_ = std::make_shared<bool>(true);

    session::FramePool pool_{1 << 20};
    std::unique_ptr<session::ProducerSession> producer_;
    session::ConsumerSession consumer_;
    std::map<std::uint64_t, Subscriber> subscribers_;
    std::map<std::uint64_t, PlaceId> places_;  // of every subscription there ever was
    std::set<std::uint64_t> serving_;
    std::set<std::uint64_t> forgetting_;
    std::set<std::uint64_t> ending_;  // removed by an operator, and to be ended by itself
    std::shared_ptr<Attachment> attachment_;
    bool welcome_ = false;
    std::optional<AgentId> agent_;  // its own, once it was welcome
    bool publishing_ = true;
    Duration every_ = habits_.publish_every, ask_every_ = habits_.ask_every;
    bool nacks_ = true;
    Time may_subscribe_{};
    Time acks_again_{};
    Time lost_since_{};
    Time pump_planned_ = never;
    std::optional<Large> large_;
    std::uint64_t unruled_ = 0;  // messages at work
    std::map<std::pair<wire::ChannelKey, wire::Lane>, std::uint64_t> orders_;
};

}  // namespace bus::sim
