// The side of the callers: any thread, under the one lock.
#include "client/core.h"

#include <poll.h>

#include <cerrno>
#include <cstdlib>

#include "base/clock.h"
#include "bus/error.h"
#include "client/compose.h"
#include "client/fork.h"
#include "client/signals.h"

namespace bus::client {
namespace {

constexpr std::size_t socket_path_max = 107;  // of sockaddr_un
constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t idle_pool_bytes = 4 * 1024 * 1024;

std::string runtime_directory(const ConnectOptions& options) {
    if (!options.runtime.empty()) return options.runtime;
    const char* const set = std::getenv("BUS_RUNTIME");
    return set && *set ? set : "/run/bus-agent";
}

std::string endpoint(const ConnectOptions& options, const char* name) {
    const std::string path = runtime_directory(options) + "/" + name;
    if (path.size() > socket_path_max)
        throw Error{path + ": the path of a socket may have 107 bytes at most"};
    return "ipc://" + path;
}

// The program's name, with what a name may not contain replaced.
std::string app_name() {
    std::string name = program_invocation_short_name;
    for (char& c : name)
        if (!wire::is_name(std::string_view{&c, 1})) c = '-';
    return wire::is_name(name) ? name : "app";
}

ConnectOptions checked(ConnectOptions options) {
    if (options.app.empty()) options.app = app_name();
    if (!wire::is_name(options.app)) throw no_name(options.app, "an app");
    if (options.producer.size() > name_bytes_max)
        throw Error{"the name of a producer may have 255 bytes at most"};
    if (options.outbox_bytes < session::limits::outbox_bytes_min)
        throw Error{"outbox_bytes is below the minimum, 512 KiB"};
    return options;
}

session::Stamp stamp_now() { return {boot_now(), wall_micros()}; }

// What only a mistake of the caller leads to.
void throw_if_wrong(session::Offer offer, std::string_view channel) {
    if (offer == session::Offer::bad_name) throw no_name(channel, "a channel");
    if (offer == session::Offer::too_many_channels)
        throw Error{"this connection has published on too many different channels"};
    if (offer == session::Offer::out_of_order)
        throw Error{"the sequence of a producer with a name begins at 1 and ascends"};
    if (offer == session::Offer::not_in_parts)
        throw Error{"a message of a producer with a name may have 64 KiB at most"};
}

}  // namespace

Core::Core(ConnectOptions options)
    : options_(checked(std::move(options))),
      endpoint_(endpoint(options_, "bus.sock")),
      admin_endpoint_(endpoint(options_, "admin.sock")),
      fork_generation_(fork_generation()),
      pool_(idle_pool_bytes),
      callbacks_(std::make_shared<Callbacks>(options_.executor)),
      producer_({.producer = options_.producer.empty() ? random_id<ProducerId>() : ProducerId{},
                 .outbox_bytes = options_.outbox_bytes,
                 .batch_messages_max = options_.batch_messages_max,
                 .named = !options_.producer.empty()},
                pool_),
      context_(1) {
    zmq_ctx_set(context_.handle(), ZMQ_BLOCKY, 0);
}

Core::~Core() { close(); }

void Core::start() {
    const SignalsBlocked while_starting;
    thread_ = std::thread{[this] { run(); }};
}

bool Core::is_forked() const noexcept { return fork_generation() != fork_generation_; }

bool Core::is_connected() const {
    if (is_forked()) return false;
    Guard lock{mutex_};
    return producer_.is_connected();
}

// ---- Publishing -------------------------------------------------------------------------

void Core::throw_unless_open() const {
    if (closed_) throw Error{"the connection is closed"};
}

template <class Attempt>
void Core::offer_until(Guard& lock, std::optional<Clock::time_point>& until, Millis timeout,
                       Attempt attempt) {
    for (;;) {
        throw_unless_open();
        const session::Offer offer = attempt();
        if (offer == session::Offer::taken) return;
        if (offer == session::Offer::too_large) throw Error{"a message may have 1 GiB at most"};
        if (!until) until = Clock::now() + timeout;
        if (Clock::now() >= *until)
            throw Error{"no room for this message within " + in_seconds(timeout) +
                        ": the agent is away, full, or holds this channel back"};
        if (let_leave(lock)) continue;  // meanwhile there may be room
        ++publishers_waiting_;
        room_.wait_until(lock, *until);
        --publishers_waiting_;
    }
}

void Core::publish(const session::Outgoing& message, Millis timeout) {
    if (is_forked()) throw Error{"the connection belongs to the process that forked"};
    Guard lock{mutex_};
    publish(lock, message, timeout);
}

// Best effort leaves when its clock says so: what joins its batch brings nothing nearer, so that
// nobody need look.
bool Core::joins_quietly(const session::Outgoing& message) {
    if (closed_ || message.mode == wire::Mode::guaranteed) return false;
    require_order(message);
    return producer_.join(message) == session::Offer::taken;
}

void Core::publish(Guard& lock, const session::Outgoing& message, Millis timeout) {
    if (joins_quietly(message)) return;
    if (session::ProducerSession::needs_parts(message)) {
        publish_large(lock, message, timeout);
    } else {
        std::optional<Clock::time_point> until;
        offer_until(lock, until, timeout, [&] { return offer(message); });
    }
    let_leave(lock);
}

void Core::require_order(const session::Outgoing& message) const {
    if (options_.producer.empty() && message.sequence != 0)
        throw Error{"only a producer with a name (ConnectOptions::producer) brings a sequence"};
    if (!options_.producer.empty() && message.lane != wire::Lane::normal)
        throw Error{"the messages of a producer with a name keep their order: no priority"};
}

session::Offer Core::offer(const session::Outgoing& message) {
    require_order(message);
    const auto joined = producer_.join(message);
    const auto result = joined ? *joined : producer_.offer(message, stamp_now());
    if (result != session::Offer::taken) throw_if_wrong(result, message.channel);
    return result;
}

// Part by part: other channels flow in between, and the outbox never holds the whole.
void Core::publish_large(Guard& lock, const session::Outgoing& message, Millis timeout) {
    auto large = session::ProducerSession::cut(message);
    if (!large) throw Error{"a message may have 1 GiB at most"};
    try {
        while (!large->finished()) {
            std::optional<Clock::time_point> until;
            offer_until(lock, until, timeout, [&] {
                return is_ahead(*large) ? session::Offer::would_block : offer_part(*large);
            });
            let_leave(lock);
        }
    } catch (const Error&) {
        if (!closed_) producer_.abandon(*large, stamp_now());
        room_.notify_all();
        throw;
    }
    room_.notify_all();  // others may have waited for this channel
}

session::Offer Core::offer_part(session::LargeMessage& large) {
    require_order(large.message);
    const auto result = producer_.offer_part(large, stamp_now());
    throw_if_wrong(result, large.message.channel);
    return result;
}

// Enough of it waits to leave. While there is no agent, it may have all the room.
bool Core::is_ahead(const session::LargeMessage& large) const {
    return producer_.is_connected() &&
           producer_.bytes_waiting(large) >= session::limits::large_waiting_max;
}

std::shared_ptr<ReceiptState> Core::begin_large(session::LargeMessage& large) {
    if (is_forked()) throw Error{"the connection belongs to the process that forked"};
    auto state = std::make_shared<ReceiptState>(callbacks_, large.message.needs_destination);
    state->parts_left = large.parts;
    Guard lock{mutex_};
    throw_unless_open();
    large.message.receipt = next_receipt_++;
    receipts_.emplace(large.message.receipt, state);
    return state;
}

bool Core::offer_part(session::LargeMessage& large, Bytes part, Clock::time_point until) {
    if (is_forked()) throw Error{"the connection belongs to the process that forked"};
    Guard lock{mutex_};
    for (;;) {
        throw_unless_open();
        require_order(large.message);
        const auto offer = is_ahead(large) ? session::Offer::would_block
                                           : producer_.offer_part(large, part, stamp_now());
        throw_if_wrong(offer, large.message.channel);
        if (offer == session::Offer::taken) break;
        if (Clock::now() >= until) return false;
        if (let_leave(lock)) continue;
        ++publishers_waiting_;
        room_.wait_until(lock, until);
        --publishers_waiting_;
    }
    let_leave(lock);
    if (large.finished()) room_.notify_all();
    return true;
}

void Core::abandon(const session::LargeMessage& large) noexcept {
    if (is_forked()) return;
    Guard lock{mutex_};
    receipts_.erase(large.message.receipt);
    if (closed_) return;
    producer_.abandon(large, stamp_now());
    let_leave(lock);
    room_.notify_all();
}

Offer Core::try_publish(const session::Outgoing& message) {
    if (is_forked()) return Offer::closed;
    Guard lock{mutex_};
    if (closed_) return Offer::closed;
    if (joins_quietly(message)) return Offer::taken;
    const Offer result = session::ProducerSession::needs_parts(message) ? try_large(message)
                         : offer(message) == session::Offer::taken      ? Offer::taken
                                                                        : Offer::would_block;
    let_leave(lock);
    return result;
}

Offer Core::try_large(const session::Outgoing& message) {
    auto large = session::ProducerSession::cut(message);
    if (!large || large->parts > options_.outbox_bytes / wire::frame_bytes_max)
        return Offer::too_large;
    if (!producer_.fits_whole(*large)) return Offer::would_block;
    while (!large->finished())
        if (offer_part(*large) != session::Offer::taken) {
            producer_.abandon(*large, stamp_now());
            return Offer::would_block;
        }
    return Offer::taken;
}

Receipt Core::send(session::Outgoing message, Millis timeout) {
    if (is_forked()) throw Error{"the connection belongs to the process that forked"};
    auto state = std::make_shared<ReceiptState>(callbacks_, message.needs_destination);
    if (session::ProducerSession::needs_parts(message))
        if (const auto large = session::ProducerSession::cut(message))
            state->parts_left = large->parts;
    Guard lock{mutex_};
    message.receipt = next_receipt_++;
    receipts_.emplace(message.receipt, state);
    try {
        publish(lock, message, timeout);
    } catch (...) {
        receipts_.erase(message.receipt);
        throw;
    }
    return Receipt{std::move(state)};
}

// ---- Consuming --------------------------------------------------------------------------

std::shared_ptr<Inbox> Core::subscribe(wire::Subscribe wish, const Inbox::Terms& terms,
                                       Millis timeout) {
    if (is_forked()) throw Error{"the connection belongs to the process that forked"};
    const auto until = Clock::now() + timeout;
    const auto inbox = std::make_shared<Inbox>(shared_from_this(), terms);
    Guard lock{mutex_};
    throw_unless_open();
    const auto id = inbox->id = consumers_.subscribe(std::move(wish));
    inboxes_.emplace(id, inbox);
    inbox->begin_epoch(consumers_.epoch());
    let_leave(lock);
    if (timeout.count() > 0) await_agreement(lock, id, until, timeout);
    return inbox;
}

// It is of no session: once it stands, nothing is left to be said of it.
void Core::declare(wire::Subscribe wish, Millis timeout) {
    if (is_forked()) throw Error{"the connection belongs to the process that forked"};
    const auto until = Clock::now() + timeout;
    Guard lock{mutex_};
    throw_unless_open();
    const auto id = consumers_.subscribe(std::move(wish));
    let_leave(lock);
    await_agreement(lock, id, until, timeout);
    consumers_.forget(id);
}

void Core::await_agreement(Guard& lock, std::uint64_t id, Clock::time_point until, Millis timeout) {
    using Standing = session::ConsumerSession::Standing;
    const bool answered = answered_.wait_until(
        lock, until, [&] { return closed_ || consumers_.standing(id) != Standing::asked; });
    if (consumers_.standing(id) == Standing::standing) return;
    const std::string reason = consumers_.reason(id);
    consumers_.unsubscribe(id, false);
    inboxes_.erase(id);
    let_leave(lock);
    throw_unless_open();
    if (answered) throw Error{"the agent refuses this subscription: " + reason};
    throw Error{"no answer from the agent at " + endpoint_ + " within " + in_seconds(timeout) +
                ": is it running?"};
}

void Core::unsubscribe(std::uint64_t id, bool forget) {
    Guard lock{mutex_};
    consumers_.unsubscribe(id, forget);
    inboxes_.erase(id);
    let_leave(lock);
}

void Core::pass_acks(Inbox& inbox) {
    std::uint64_t epoch = 0;
    auto acks = inbox.take_acks(epoch);
    if (acks.empty()) return;
    Guard lock{mutex_};
    for (auto& ack : acks) static_cast<void>(consumers_.rule(epoch, std::move(ack)));
    let_leave(lock);
}

void Core::pass_acks_soon(std::shared_ptr<Inbox> inbox) {
    const Time now = boot_now();
    Guard lock{mutex_};
    if (closed_) return;
    acks_waiting_.push_back(std::move(inbox));
    if (acks_due_ == never) acks_due_ = now + session::limits::ack_age_max;
    if (acks_due_ < wakes_at_) wake_thread();
}

// ---- The rest ---------------------------------------------------------------------------

std::optional<std::string> Core::control(std::string_view json, Millis timeout) {
    if (is_forked()) throw Error{"the connection belongs to the process that forked"};
    auto request = wire::read_admin_request(json);
    if (!request) throw Error{"not an admin request: " + request.error().reason};
    request->id = 1;
    try {
        return ask_admin(wire::encode_command(*request), timeout);
    } catch (const zmq::error_t& error) {
        throw Error{std::string{"cannot ask the agent: "} + error.what()};
    }
}

std::optional<std::string> Core::ask_admin(const std::string& text, Millis timeout) {
    AgentSocket socket{context_, admin_endpoint_};
    static_cast<void>(socket.send(as_bytes(text)));
    const auto until = Clock::now() + timeout;
    for (;;) {
        const auto left = std::chrono::ceil<Millis>(until - Clock::now());
        if (left.count() <= 0) return std::nullopt;
        const auto frame = socket.receive();
        if (!frame) {
            pollfd item{.fd = socket.fd(), .events = POLLIN, .revents = 0};
            ::poll(&item, 1, static_cast<int>(left.count()));
            socket.watch();
            continue;
        }
        const auto reply = wire::decode_reply(frame->to_string_view());
        if (!reply) throw Error{"the agent's answer makes no sense: " + reply.error().reason};
        if (const auto* failed = std::get_if<wire::Failed>(&*reply))
            throw Error{failed->reason.empty() ? std::string{wire::to_text(failed->code)}
                                               : failed->reason};
        if (const auto* answer = std::get_if<wire::AdminReply>(&*reply)) return answer->text;
    }
}

void Core::on_undelivered(std::function<void(const Message&, std::string_view)> callback) {
    if (is_forked()) return;
    Guard lock{mutex_};
    undelivered_callback_ = std::move(callback);
}

std::size_t Core::flush(Millis timeout) {
    if (is_forked()) return 0;
    Guard lock{mutex_};
    quiet_.wait_for(lock, timeout, [&] { return producer_.unsafe_messages() == 0; });
    return producer_.unsafe_messages();
}

void Core::close() noexcept {
    if (is_forked()) return;
    {
        Guard lock{mutex_};
        if (std::exchange(closed_, true)) return;
        room_.notify_all();
        answered_.notify_all();
    }
    if (thread_.joinable()) {
        static_cast<void>(flush(options_.linger));
        for (const auto& inbox : all_inboxes()) pass_acks(*inbox);
        {
            Guard lock{mutex_};
            stopping_ = true;
            wake_thread();
        }
        thread_.join();
    }
    for (const auto& inbox : all_inboxes()) inbox->end("the connection was closed");
    end_requests(RequestError::Why::closed, "the connection was closed");
    {
        Guard lock{mutex_};
        producer_.on_disconnected();
        consumers_.on_disconnected();
        producer_.give_up("the connection was closed before the agent had it safe");
        acks_waiting_.clear();
    }
    tell_what_was_decided();
    callbacks_->finish();
}

std::vector<std::shared_ptr<Inbox>> Core::all_inboxes() const {
    Guard lock{mutex_};
    std::vector<std::shared_ptr<Inbox>> found;
    for (const auto& [id, inbox] : inboxes_)
        if (auto alive = inbox.lock()) found.push_back(std::move(alive));
    return found;
}

}  // namespace bus::client
