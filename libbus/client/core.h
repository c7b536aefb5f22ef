// What a Connection, its channels and its consumers share: the two pure halves
// of the session under one lock, and the thread that owns the socket.
//
// Locks: mutex_ here, one in each Inbox, one in each ReceiptState. None is ever
// taken while another of them is held, and callbacks run under none.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include <zmq.hpp>

#include "base/clock.h"
#include "base/time.h"
#include "bus/channel.h"
#include "bus/connection.h"
#include "client/agent_socket.h"
#include "client/callbacks.h"
#include "client/inbox.h"
#include "client/receipt_state.h"
#include "client/wakeup.h"
#include "session/consumer_session.h"
#include "session/producer_session.h"

namespace bus::client {

class Core : public std::enable_shared_from_this<Core> {
  public:
    using Clock = WaitClock;
    using Millis = std::chrono::milliseconds;

    // Throws Error: bad options, out of file descriptors.
    explicit Core(ConnectOptions options);
    ~Core();
    // Starts the thread.
    void start();

    // ---- Publishing; any thread -----------------------------------------------------------
    // Waits for room; throws Error as Channel::publish does.
    void publish(const session::Outgoing& message, Millis timeout);
    // Throws Error only for a bad name.
    [[nodiscard]] Offer try_publish(const session::Outgoing& message);
    // The message's stage says what the receipt waits for.
    [[nodiscard]] Receipt send(session::Outgoing message, Millis timeout);

    // ---- Consuming; any thread --------------------------------------------------------------
    // Throws Error: refused, no answer in time.
    std::shared_ptr<Inbox> subscribe(wire::Subscribe wish, Millis timeout);
    void unsubscribe(std::uint64_t id, bool forget);
    void pass_acks(Inbox& inbox);
    // The same, within a millisecond or so.
    void pass_acks_soon(std::shared_ptr<Inbox> inbox);

    // ---- The rest; any thread ---------------------------------------------------------------
    std::optional<std::string> control(std::string_view json, Millis timeout);
    void on_undelivered(std::function<void(const Message&, std::string_view)> callback);
    std::size_t flush(Millis timeout);
    void close() noexcept;
    bool is_connected() const;
    bool is_forked() const noexcept;

  private:
    using Guard = std::unique_lock<std::mutex>;

    // Publishing; under the lock.
    void publish(Guard& lock, const session::Outgoing& message, Millis timeout);
    void publish_large(Guard& lock, const session::Outgoing& message, Millis timeout);
    session::Offer offer(const session::Outgoing& message);
    session::Offer offer_part(session::LargeMessage& large);
    Offer try_large(const session::Outgoing& message);
    template <class Attempt>
    void offer_until(Guard& lock, std::optional<Clock::time_point>& until, Millis timeout,
                     Attempt attempt);
    void throw_unless_open() const;
    // The socket's thread has something to do earlier than it expects. It is told once.
    bool must_wake() noexcept;
    void wake_for_commands() noexcept;

    std::vector<std::shared_ptr<Inbox>> all_inboxes() const;
    std::optional<std::string> ask_admin(const std::string& text, Millis timeout);

    // The socket's thread.
    void run();
    bool turn();  // false: stop
    void attach();
    void detach();
    void begin_epoch();
    std::string hello();
    void say_goodbye();
    Time send_what_is_ready();
    Time next_deadline() const noexcept;
    void wait_until(Time deadline);
    void pass_waiting_acks(Time now);
    void receive();
    void on_frame(zmq::message_t frame);
    void on_delivery(zmq::message_t frame);
    void on_receipts(Bytes frame);
    void on_reply(std::string_view json);
    void on(const wire::Welcome& m);
    void on(const wire::Subscribed& m);
    void on(const wire::Unsubscribed& m);
    void on(const wire::Failed& m);
    void on(const wire::Refused& m);
    void on(const wire::Hold& m);
    void on(const wire::Resume& m);
    void on(const wire::Window& m);
    void on(const wire::Reset& m);
    void on(const wire::AdminReply& m);
    void complain(const std::string& what);
    void tell_what_was_decided();
    void tell_undelivered(std::vector<session::Undelivered> lost);

    // Constant after construction.
    const ConnectOptions options_;
    const std::string endpoint_, admin_endpoint_;
    const unsigned fork_generation_;

    session::FramePool pool_;
    Wakeup wakeup_;
    const std::shared_ptr<Callbacks> callbacks_;

    // Under the mutex.
    mutable std::mutex mutex_;
    std::condition_variable room_;      // more of it in the outbox
    std::condition_variable answered_;  // a subscription
    std::condition_variable quiet_;     // nothing unsafe
    session::ProducerSession producer_;
    session::ConsumerSession consumers_;
    std::unordered_map<std::uint64_t, std::weak_ptr<Inbox>> inboxes_;
    std::unordered_map<std::uint64_t, std::shared_ptr<ReceiptState>> receipts_;
    std::uint64_t next_receipt_ = 1;
    std::vector<std::shared_ptr<Inbox>> acks_waiting_;
    Time acks_due_ = never;
    std::function<void(const Message&, std::string_view)> undelivered_callback_;
    unsigned publishers_waiting_ = 0;
    bool sleeps_ = false;  // the socket's thread, until wakes_at_
    Time wakes_at_ = never;
    bool closed_ = false;
    bool stopping_ = false;

    // The socket's thread only (after construction).
    zmq::context_t context_;
    std::optional<AgentSocket> socket_;
    bool welcomed_ = false;
    Time hello_deadline_ = never;  // connected and unanswered
    Time attach_at_{};
    Duration backoff_{};
    std::vector<session::Frame> leaving_;
    Time complained_{};

    std::thread thread_;
};

}  // namespace bus::client
