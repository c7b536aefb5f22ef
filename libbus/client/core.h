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
#include "client/attendance.h"
#include "client/callbacks.h"
#include "client/inbox.h"
#include "client/pending_request.h"
#include "client/receipt_state.h"
#include "client/requests.h"
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
    // Throws Error only for a mistake of the caller: a bad name, a sequence that does not ascend.
    [[nodiscard]] Offer try_publish(const session::Outgoing& message);
    // The message's stage says what the receipt waits for.
    [[nodiscard]] Receipt send(session::Outgoing message, Millis timeout);
    // Of a message that is written part by part, with its receipt.
    std::shared_ptr<ReceiptState> begin_large(session::LargeMessage& large);
    // Its next part. false: no room for it until then. Throws Error: closed, a mistake.
    [[nodiscard]] bool offer_part(session::LargeMessage& large, Bytes part,
                                  Clock::time_point until);
    void abandon(const session::LargeMessage& large) noexcept;

    // ---- Consuming; any thread --------------------------------------------------------------
    // Throws Error: refused, no answer in time.
    std::shared_ptr<Inbox> subscribe(wire::Subscribe wish, const Inbox::Terms& terms,
                                     Millis timeout);
    // Throws Error: refused, no answer in time.
    void declare(wire::Subscribe wish, Millis timeout);
    void unsubscribe(std::uint64_t id, bool forget);
    void pass_acks(Inbox& inbox);
    // The same, within a millisecond or so.
    void pass_acks_soon(std::shared_ptr<Inbox> inbox);
    // Receives until there are news, or then. False: somebody else sees to that, who will tell.
    bool stand_in(Awaited& awaited, Clock::time_point until);
    void rouse_stand_in() noexcept;

    // ---- Asking and answering; any thread -----------------------------------------------------
    struct Question {
        std::string_view service;
        Payload payload;
        const RequestOptions& options;
        bool to_all = false;     // every responder is asked
        std::size_t wanted = 1;  // replies
        bool attended = false;   // its thread waits, and sees to its deadline
    };
    // Throws RequestError: no agent, or no room, in time; too many are under way. Error: a mistake.
    std::shared_ptr<PendingRequest> ask(const Question& question);
    void forget_request(std::uint64_t id);
    // Throws Error as Delivery::reply does.
    void answer(const Message& request, Payload payload, const PublishOptions& options);

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
    void require_order(const session::Outgoing& message) const;
    bool joins_quietly(const session::Outgoing& message);
    session::Offer offer(const session::Outgoing& message);
    session::Offer offer_part(session::LargeMessage& large);
    bool is_ahead(const session::LargeMessage& large) const;
    Offer try_large(const session::Outgoing& message);
    template <class Attempt>
    void offer_until(Guard& lock, std::optional<Clock::time_point>& until, Millis timeout,
                     Attempt attempt);
    void throw_unless_open() const;
    // Of a subscription that was asked for; it is forgotten here unless the agent agrees in time.
    void await_agreement(Guard& lock, std::uint64_t id, Clock::time_point until, Millis timeout);
    std::vector<std::shared_ptr<Inbox>> all_inboxes() const;
    std::optional<std::string> ask_admin(const std::string& text, Millis timeout);

    // Sharing the socket (sharing.cpp); under the lock.
    class Use;
    bool has_something_to_send() const noexcept;
    bool let_leave(Guard& lock);
    void wake_thread() noexcept;
    void wake_for_what_is_left(bool input_waits) noexcept;
    void receive_as_stand_in(Guard& lock);

    // The socket's thread.
    void run();
    bool turn();  // false: stop
    void attach();
    void detach();
    void end_attachment();
    void begin_epoch();
    std::string hello();
    void say_goodbye();
    bool sleep();
    void watch_connection(bool monitor_has_news);
    void pass_waiting_acks(Time now);
    void dismiss_stand_in();

    // Whoever has the socket.
    void send_what_is_ready();
    void send_verdicts();
    void send(const std::vector<std::vector<std::byte>>& acks,
              const std::vector<wire::Command>& commands);
    Time next_deadline() const noexcept;
    void receive();
    void on_frame(zmq::message_t frame);
    void on_delivery(zmq::message_t frame);
    void on_replies(zmq::message_t frame);
    void on_reply(const std::shared_ptr<const zmq::message_t>& frame, const Message& reply);
    void on_receipts(Bytes frame);
    void on_reply(std::string_view json);
    bool introduce(const wire::Welcome& m);
    void on(const wire::Welcome& m);
    void on(const wire::Subscribed& m);
    void on(const wire::Unsubscribed& m);
    void on(const wire::Failed& m);
    void on(const wire::Refused& m);
    void on(const wire::Hold& m);
    void on(const wire::Resume& m);
    void on(const wire::Window& m);
    void on(const wire::Reset& m);
    void on(const wire::Gap& m);
    void on(const wire::AdminReply& m);
    void complain(const std::string& what);
    void tell_what_was_decided();
    void end_requests(RequestError::Why why, const std::string& words);
    void tell_undelivered(std::vector<session::Undelivered> lost);

    // Constant after construction.
    const ConnectOptions options_;
    const std::string endpoint_, admin_endpoint_;
    const unsigned fork_generation_;

    session::FramePool pool_;
    Attendance attendance_;
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
    Requests requests_;
    std::vector<std::shared_ptr<Inbox>> acks_waiting_;
    Time acks_due_ = never;
    std::function<void(const Message&, std::string_view)> undelivered_callback_;
    unsigned publishers_waiting_ = 0;
    bool sleeps_ = false;  // the socket's thread, until wakes_at_
    Time wakes_at_ = never;
    bool in_use_ = true;  // the socket: by its thread, if that is awake
    bool has_stand_in_ = false, stand_in_sleeps_ = false;
    bool dismissing_ = false;       // no stand-in may be, or begin
    std::condition_variable free_;  // the socket, or of a stand-in
    bool closed_ = false;
    bool stopping_ = false;

    // Whoever has the socket; made and ended by its thread.
    zmq::context_t context_;
    std::optional<AgentSocket> socket_;
    bool welcomed_ = false;
    bool must_detach_ = false;
    Time hello_deadline_ = never;  // connected and unanswered
    Time attach_at_{};
    Duration backoff_{};
    std::vector<session::Frame> leaving_;
    Time complained_{};

    std::thread thread_;
};

}  // namespace bus::client
