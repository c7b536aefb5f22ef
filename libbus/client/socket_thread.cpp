// The socket's thread: attaches, sends what is ready, receives, sleeps. What
// sends and receives runs on other threads too, while they have the socket
// (sharing.cpp).
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "bus/error.h"
#include "client/core.h"
#include "session/producer_name.h"
#include "wire/envelope.h"

namespace bus::client {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t frames_per_turn = 64;
constexpr Duration hello_patience = 5s;
constexpr Duration backoff_min = 10ms;
constexpr Duration backoff_max = 1s;
constexpr Duration between_complaints = 1s;
constexpr int goodbye_millis = 200;

using Undelivered = std::function<void(const Message&, std::string_view)>;

// Of a large message: the first part stands for it.
void tell_batch(const session::Undelivered& lost, const Undelivered& callback) {
    const Bytes bytes = lost.frame.bytes().subspan(wire::envelope_length);
    const auto batch = wire::decode_batch(bytes);
    if (!batch || (batch->part && batch->part->index > 0)) return;
    wire::MessageWalk walk{bytes.subspan(batch->header_length), batch->sequence,
                           wire::MessageWalk::Check::form};
    while (const auto view = walk.next())
        callback(Message{{.channel = batch->channel,
                          .headers = view->headers,
                          .payload = view->payload,
                          .producer = batch->producer.words,
                          .sequence = view->sequence,
                          .created_micros = batch->created_micros}},
                 lost.reason);
}

}  // namespace

void Core::run() {
    for (;;) {
        try {
            if (!turn()) break;
        } catch (const zmq::error_t& error) {
            // Out of sockets or descriptors, for now.
            complain(std::string{"libzmq: "} + error.what());
            detach();
        } catch (const Error& error) {
            complain(error.what());
            detach();
        }
    }
    say_goodbye();
}

bool Core::turn() {
    if (!socket_ && boot_now() >= attach_at_) attach();
    send_what_is_ready();
    tell_what_was_decided();
    if (!sleep()) return false;
    receive();
    rouse_stand_in();
    const Time now = boot_now();
    if (socket_ && (socket_->is_lost() || must_detach_ || now >= hello_deadline_)) detach();
    pass_waiting_acks(now);
    tell_what_was_decided();
    return true;
}

// ---- Attaching ----------------------------------------------------------------------------

void Core::attach() {
    socket_.emplace(context_, endpoint_);
    // The first frame in a new pipe: it leaves as soon as there is an agent.
    const std::string text = hello();
    static_cast<void>(socket_->send(as_bytes(text)));
    attendance_.attach(socket_->fd(), socket_->monitor_fd());
    Guard lock{mutex_};
    dismissing_ = false;
}

std::string Core::hello() {
    Guard lock{mutex_};
    return wire::encode_command(producer_.hello(options_.app));
}

void Core::end_attachment() {
    dismiss_stand_in();
    attendance_.detach();
    socket_.reset();
}

void Core::detach() {
    end_attachment();
    welcomed_ = must_detach_ = false;
    hello_deadline_ = never;
    const auto jitter = Duration{
        static_cast<std::int64_t>(random_u64() % static_cast<std::uint64_t>(backoff_min.count()))};
    attach_at_ = boot_now() + backoff_ + jitter;
    backoff_ = std::min(std::max(backoff_ * 2, backoff_min), backoff_max);
    {
        Guard lock{mutex_};
        producer_.on_disconnected();
        consumers_.on_disconnected();
    }
    begin_epoch();
    end_requests(RequestError::Why::responder_lost,
                 "the agent went away meanwhile: it may have been carried out");
}

void Core::begin_epoch() {
    std::uint64_t epoch = 0;
    {
        Guard lock{mutex_};
        epoch = consumers_.epoch();
    }
    for (const auto& inbox : all_inboxes()) inbox->begin_epoch(epoch);
}

void Core::say_goodbye() {
    if (!socket_ || !welcomed_) return end_attachment();
    send_verdicts();  // some came after they were last looked for
    const std::string text = wire::encode_command(wire::Bye{});
    static_cast<void>(socket_->send(as_bytes(text)));
    socket_->linger(goodbye_millis);
    end_attachment();
}

// ---- Sending ------------------------------------------------------------------------------

// The acknowledgements and commands that have gathered.
void Core::send_verdicts() {
    std::vector<std::vector<std::byte>> acks;
    std::vector<wire::Command> commands;
    {
        Guard lock{mutex_};
        acks = consumers_.take_acks();
        commands = consumers_.take_commands();
    }
    send(acks, commands);
}

void Core::send(const std::vector<std::vector<std::byte>>& acks,
                const std::vector<wire::Command>& commands) {
    for (const auto& frame : acks) static_cast<void>(socket_->send(Bytes{frame}));
    for (const auto& command : commands)
        static_cast<void>(socket_->send(as_bytes(wire::encode_command(command))));
}

void Core::send_what_is_ready() {
    std::vector<std::vector<std::byte>> acks;
    std::vector<wire::Command> commands;
    {
        Guard lock{mutex_};
        const Time now = boot_now();
        producer_.advance(now);
        consumers_.advance(now);
        acks = consumers_.take_acks();
        commands = consumers_.take_commands();
        while (leaving_.size() < frames_per_turn)
            if (auto frame = producer_.take(now))
                leaving_.push_back(std::move(*frame));
            else
                break;
    }
    if (socket_) {
        send(acks, commands);
        for (auto& frame : leaving_) static_cast<void>(socket_->send(std::move(frame)));
    }
    leaving_.clear();
}

Time Core::next_deadline() const noexcept {
    const Time attach_deadline = socket_ ? hello_deadline_ : attach_at_;
    return std::min({producer_.next_deadline(), consumers_.next_deadline(),
                     requests_.next_deadline(), acks_due_, attach_deadline});
}

// Until there is something to do. Meanwhile others may have the socket. False: the connection ends.
bool Core::sleep() {
    const bool input_waits = socket_ && !socket_->is_quiet();
    {
        Guard lock{mutex_};
        if (stopping_) return false;
        if (input_waits || has_something_to_send() || producer_.has_decided()) return true;
        wakes_at_ = next_deadline();
        sleeps_ = true;
        in_use_ = false;
        free_.notify_all();
    }
    const bool monitor_has_news = attendance_.wait(wakes_at_);
    {
        Guard lock{mutex_};
        sleeps_ = false;
        free_.wait(lock, [this] { return !in_use_; });
        in_use_ = true;
    }
    watch_connection(monitor_has_news);
    return true;
}

void Core::watch_connection(bool monitor_has_news) {
    if (!socket_) return;
    if (monitor_has_news) socket_->watch();
    if (socket_->is_connected() && !welcomed_ && hello_deadline_ == never)
        hello_deadline_ = boot_now() + hello_patience;
}

void Core::pass_waiting_acks(Time now) {
    std::vector<std::shared_ptr<Inbox>> due;
    {
        Guard lock{mutex_};
        if (now < acks_due_) return;
        acks_due_ = never;
        due.swap(acks_waiting_);
    }
    for (const auto& inbox : due) pass_acks(*inbox);
}

// ---- Receiving ------------------------------------------------------------------------------

void Core::receive() {
    for (std::size_t i = 0; i < frames_per_turn && socket_ && !must_detach_; ++i) {
        auto frame = socket_->receive();
        if (!frame) return;
        on_frame(std::move(*frame));
    }
}

void Core::on_frame(zmq::message_t frame) {
    if (frame.size() == 0) return complain("the agent sent an empty frame");
    const auto first = load<std::uint8_t>(frame.data<std::byte>());
    if (first == '{') return on_reply(frame.to_string_view());
    if (!welcomed_) return complain("the agent sent data before its welcome");
    if (first == static_cast<std::uint8_t>(wire::FrameType::data))
        return on_delivery(std::move(frame));
    if (first == static_cast<std::uint8_t>(wire::FrameType::receipts))
        return on_receipts({frame.data<std::byte>(), frame.size()});
    complain("the agent sent a frame of an unknown type");
}

void Core::on_delivery(zmq::message_t frame) {
    const auto decoded = wire::decode_envelope({frame.data<std::byte>(), frame.size()});
    if (!decoded) return complain("the agent sent a delivery that cannot be read");
    if (decoded->envelope.consumer == 0) return on_replies(std::move(frame));
    std::shared_ptr<Inbox> inbox;
    std::uint64_t epoch = 0;
    {
        Guard lock{mutex_};
        const auto found = inboxes_.find(decoded->envelope.consumer);
        if (found == inboxes_.end()) return;  // unsubscribed meanwhile
        inbox = found->second.lock();
        epoch = consumers_.epoch();
    }
    if (inbox) inbox->push(std::move(frame), epoch, decoded->envelope);
}

void Core::on_receipts(Bytes frame) {
    const auto receipts = wire::decode_receipts(frame);
    if (!receipts) return complain("the agent sent receipts that cannot be read");
    Guard lock{mutex_};
    producer_.on_receipts(*receipts);
}

void Core::on_reply(std::string_view json) {
    const auto reply = wire::decode_reply(json);
    if (!reply) return complain("the agent's reply makes no sense: " + reply.error().reason);
    std::visit([this](const auto& m) { on(m); }, *reply);
}

// A producer's name means something to one agent only, so this must be heard of first: then the
// hello is said once more, with the id. True: it was.
bool Core::introduce(const wire::Welcome& m) {
    {
        Guard lock{mutex_};
        if (producer_.is_identified()) return false;
        producer_.identify(session::named_producer(m.agent, ::geteuid(), options_.producer));
    }
    const std::string text = hello();
    static_cast<void>(socket_->send(as_bytes(text)));
    return true;
}

void Core::on(const wire::Welcome& m) {
    if (m.protocol < wire::protocol_min || m.protocol > wire::protocol_max) {
        complain("the agent speaks another protocol than this libbus");
        must_detach_ = true;
        return;
    }
    if (introduce(m)) return;
    welcomed_ = true;
    hello_deadline_ = never;
    backoff_ = {};
    {
        Guard lock{mutex_};
        producer_.on_welcome(m, boot_now());
        consumers_.on_welcome();
        requests_.set_address(m.agent, producer_.producer());
        room_.notify_all();  // who asks, or publishes under a name, may have waited for it
    }
    begin_epoch();
}

void Core::on(const wire::Subscribed& m) {
    Guard lock{mutex_};
    consumers_.on_subscribed(m);
    answered_.notify_all();
}

void Core::on(const wire::Unsubscribed& m) {
    Guard lock{mutex_};
    consumers_.on_unsubscribed(m);
}

void Core::on(const wire::Failed& m) {
    std::shared_ptr<Inbox> ended;
    bool is_ours = false;
    {
        Guard lock{mutex_};
        is_ours = consumers_.on_failed(m, boot_now());
        const auto found = inboxes_.find(m.id);
        if (consumers_.standing(m.id) == session::ConsumerSession::Standing::refused &&
            found != inboxes_.end())
            ended = found->second.lock();
        answered_.notify_all();
    }
    if (ended) return ended->end(m.reason);
    if (is_ours) return;
    complain("the agent says: " + m.reason);
    if (!welcomed_) must_detach_ = true;  // it did not like the hello
}

void Core::on(const wire::Refused& m) {
    Guard lock{mutex_};
    producer_.on_refused(m);
}

void Core::on(const wire::Hold& m) {
    Guard lock{mutex_};
    producer_.on_hold(m.channels);
}

void Core::on(const wire::Resume& m) {
    Guard lock{mutex_};
    producer_.on_resume(m.channels);
    room_.notify_all();
}

void Core::on(const wire::Window& m) {
    Guard lock{mutex_};
    producer_.on_window(m);
}

void Core::on(const wire::Reset&) { must_detach_ = true; }

void Core::on(const wire::Gap& m) {
    std::shared_ptr<Inbox> inbox;
    {
        Guard lock{mutex_};
        const auto found = inboxes_.find(m.id);
        if (found != inboxes_.end()) inbox = found->second.lock();
    }
    if (inbox) inbox->tell(m);
}

void Core::on(const wire::AdminReply&) { complain("the agent answered what was not asked here"); }

// At most once a second: an agent that makes no sense makes none many times.
void Core::complain(const std::string& what) {
    const Time now = boot_now();
    if (now - complained_ < between_complaints) return;
    complained_ = now;
    std::fprintf(stderr, "libbus: %s\n", what.c_str());
}

// ---- Telling --------------------------------------------------------------------------------

void Core::tell_what_was_decided() {
    std::vector<std::pair<std::shared_ptr<ReceiptState>, session::Settled>> decided;
    std::vector<session::Undelivered> undelivered;
    std::vector<Requests::Request> overdue;
    {
        Guard lock{mutex_};
        overdue = requests_.take_due(boot_now());
        for (auto& settled : producer_.take_settled()) {
            const auto found = receipts_.find(settled.receipt);
            if (found != receipts_.end()) decided.emplace_back(found->second, std::move(settled));
        }
        undelivered = producer_.take_undelivered();
        const bool has_room =
            producer_.outbox_bytes() <= options_.outbox_bytes - options_.outbox_bytes / 8;
        if (publishers_waiting_ > 0 && has_room) room_.notify_all();
        if (producer_.unsafe_messages() == 0) quiet_.notify_all();
    }
    for (const auto& request : overdue) request->expire();
    std::vector<std::uint64_t> done;
    for (auto& [state, settled] : decided)
        if (state->settle(settled)) done.push_back(settled.receipt);
    if (!undelivered.empty()) tell_undelivered(std::move(undelivered));
    if (done.empty()) return;
    Guard lock{mutex_};
    for (const auto receipt : done) receipts_.erase(receipt);
}

void Core::tell_undelivered(std::vector<session::Undelivered> lost) {
    std::function<void(const Message&, std::string_view)> callback;
    {
        Guard lock{mutex_};
        callback = undelivered_callback_;
    }
    if (!callback) {
        std::size_t messages = 0;
        for (const auto& batch : lost)
            tell_batch(batch, [&](const Message&, std::string_view) { ++messages; });
        std::fprintf(stderr, "libbus: %zu messages will not be delivered: %s\n", messages,
                     lost.front().reason.c_str());
        return;
    }
    auto shared = std::make_shared<std::vector<session::Undelivered>>(std::move(lost));
    callbacks_->run([shared, callback = std::move(callback)] {
        for (const auto& batch : *shared) tell_batch(batch, callback);
    });
}

}  // namespace bus::client
