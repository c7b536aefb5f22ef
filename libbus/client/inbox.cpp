#include "client/inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bus/error.h"
#include "client/compose.h"
#include "client/core.h"

namespace bus::client {

Inbox::Inbox(std::shared_ptr<Core> core, const Terms& terms)
    : core_(std::move(core)),
      pass_after_(std::max<std::uint32_t>(terms.prefetch_messages / 2, 1)),
      drops_late_(terms.drops_late),
      in_parts_(terms.in_parts),
      unpacker_({.whole_bytes_max = terms.whole_bytes_max,
                 .in_parts = terms.in_parts,
                 .shared = terms.shared}) {}

// ---- The thread that owns the socket --------------------------------------------------

void Inbox::push(zmq::message_t frame, std::uint64_t epoch, const wire::Envelope& envelope) {
    // A lifetime beyond that is none.
    constexpr std::uint64_t longest = 100ull * 365 * 24 * 3600 * 1000;
    std::optional<Clock::time_point> expires;
    if (envelope.lifetime_millis > 0 && envelope.lifetime_millis < longest)
        expires = Clock::now() + std::chrono::milliseconds{envelope.lifetime_millis};
    const std::size_t fit = frame.size() / wire::message_overhead;
    Arrival arrival{std::move(frame), epoch, std::min<std::size_t>(envelope.messages, fit), expires,
                    nullptr};
    if (in_parts_ && push_part(arrival)) return;
    std::lock_guard lock{mutex_};
    if (!open_ || epoch != epoch_) return;
    queue_.push_back(std::move(arrival));
    if (waiting_) arrived_.notify_one();
    signal_fd();
}

void Inbox::begin_epoch(std::uint64_t epoch) {
    std::lock_guard lock{mutex_};
    epoch_ = epoch;
    queue_.clear();
    acks_.clear();
    through_ = {};
    for (const auto& [key, stream] : streams_)
        stream->end(StreamError::Why::interrupted,
                    "the agent was away meanwhile: the message comes again");
    streams_.clear();
}

void Inbox::end(const std::string& why) {
    {
        std::lock_guard lock{mutex_};
        if (!open_) return;
        open_ = false;
        left_ = true;
        why_ = why;
        queue_.clear();
        for (const auto& [key, stream] : streams_) stream->end(StreamError::Why::interrupted, why);
        streams_.clear();
        arrived_.notify_all();
        signal_fd();
    }
    core_->rouse_stand_in();
}

// Of several that nobody has asked for yet the latest, with what was untold of all.
void Inbox::tell(const wire::Gap& gap) {
    std::lock_guard lock{mutex_};
    const std::uint64_t before = gap_ ? gap_->untold : 0;
    gap_ = Gap{.reason = static_cast<Gap::Reason>(gap.reason),
               .channel = gap.channel,
               .messages = gap.messages,
               .from_micros = gap.from_micros,
               .to_micros = gap.to_micros,
               .untold = before + gap.untold,
               .total = gap.total};
    signal_fd();
}

// ---- The thread that consumes -----------------------------------------------------------

std::optional<Delivery> Inbox::next(Clock::time_point until) {
    for (;;) {
        if (auto delivery = take_from_current()) return delivery;
        if (!await_arrival(until)) return std::nullopt;
    }
}

// Grows to what is here, at once: a few thousand deliveries are more than malloc keeps.
std::vector<Delivery> Inbox::fetch(std::size_t at_most, Clock::time_point until) {
    std::vector<Delivery> taken;
    while (taken.size() < at_most) {
        if (auto delivery = take_from_current()) {
            if (taken.size() == taken.capacity())
                taken.reserve(std::min(at_most, 2 * taken.size() + 1 + messages_here()));
            taken.push_back(std::move(*delivery));
        } else if (!await_arrival(taken.empty() ? until : Clock::time_point::min())) {
            break;
        }
    }
    return taken;
}

std::size_t Inbox::messages_here() const {
    std::size_t messages = unpacker_.left();
    std::lock_guard lock{mutex_};
    for (const Arrival& arrival : queue_) messages += arrival.messages;
    return messages;
}

std::optional<Delivery> Inbox::take_from_current() {
    if (!current_) return std::nullopt;
    if (current_->epoch != epoch_.load(std::memory_order_relaxed) ||
        !open_.load(std::memory_order_relaxed)) {
        drop_current();
        return std::nullopt;
    }
    const auto epoch = current_->epoch;
    auto follow = Follow::nothing;
    while (auto* const received = unpacker_.next()) {
        if (!is_too_late()) return make(*received);
        static_cast<void>(gather(epoch,
                                 {.tag = received->tag, .first = received->index, .count = 1},
                                 received->last_of_tag, follow));
    }
    if (current_->stream && !current_->is_out) forget(*current_->stream);  // damaged
    current_.reset();
    for (auto& ruling : unpacker_.take_rulings())
        static_cast<void>(gather(epoch, std::move(ruling), true, follow));
    carry_out(follow);
    return std::nullopt;
}

bool Inbox::is_too_late() const {
    return drops_late_ && current_->expires && *current_->expires <= Clock::now();
}

void Inbox::drop_current() {
    current_.reset();
    unpacker_.reset();
    static_cast<void>(unpacker_.take_rulings());
}

Delivery Inbox::make(session::Received& received) {
    Delivery delivery;
    delivery.message_ = Message{{.channel = received.channel,
                                 .headers = received.headers,
                                 .payload = received.first_part ? Bytes{} : received.payload,
                                 .producer = received.producer.words,
                                 .sequence = received.sequence,
                                 .created_micros = received.created_micros,
                                 .priority = to_public(received.lane)}};
    delivery.missed_ = received.missed;
    delivery.tag_ = received.tag;
    delivery.index_ = received.index;
    delivery.attempt_ = received.attempt;
    delivery.redelivered_ = received.redelivered;
    delivery.retained_ = received.retained;
    delivery.completes_ = received.last_of_tag;
    if (received.joined) {
        delivery.held_ = std::make_shared<Held>();
        delivery.held_->inbox = current_->inbox;
        delivery.held_->epoch = current_->epoch;
        delivery.held_->expires = current_->expires;
        delivery.held_->joined = std::move(received.joined);
    } else {
        delivery.held_ = current_;
        current_->is_out = true;
    }
    undecided_.fetch_add(1, std::memory_order_relaxed);
    return delivery;
}

// False: nothing came, or closed. What has been gathered leaves before anybody waits.
bool Inbox::await_arrival(Clock::time_point until) {
    if (core_->is_forked()) return false;
    std::unique_lock lock{mutex_};
    while (open_ && queue_.empty()) {
        if (!acks_.empty()) {
            lock.unlock();
            core_->pass_acks(*this);
            lock.lock();
            continue;
        }
        clear_fd();
        if (until <= Clock::now()) return false;
        wait(lock, until);
    }
    if (!open_) return false;
    Arrival arrival = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    return begin(std::move(arrival));
}

void Inbox::wait(std::unique_lock<std::mutex>& lock, Clock::time_point until) {
    lock.unlock();
    const bool received = core_->stand_in(*this, until);
    lock.lock();
    if (received || !open_ || !queue_.empty()) return;
    waiting_ = true;
    if (until == Clock::time_point::max())
        arrived_.wait(lock);
    else
        arrived_.wait_until(lock, until);
    waiting_ = false;
}

bool Inbox::has_news() const {
    std::lock_guard lock{mutex_};
    return !open_ || !queue_.empty();
}

// A frame without a readable envelope cannot even be rejected; the socket's thread has verified it.
bool Inbox::begin(Arrival arrival) {
    current_ = std::make_shared<Held>();
    current_->inbox = shared_from_this();
    current_->epoch = arrival.epoch;
    current_->expires = arrival.expires;
    current_->frame = std::move(arrival.frame);
    current_->stream = std::move(arrival.stream);
    const Bytes bytes{current_->frame.data<std::byte>(), current_->frame.size()};
    if (!unpacker_.begin(bytes)) current_.reset();
    return true;
}

std::optional<Gap> Inbox::take_gap() {
    std::lock_guard lock{mutex_};
    return std::exchange(gap_, std::nullopt);
}

int Inbox::fd() {
    std::lock_guard lock{mutex_};
    if (!fd_) {
        fd_.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
        if (!fd_) throw Error{std::string{"cannot make an eventfd: "} + std::strerror(errno)};
        signal_fd();  // whoever polls it first looks once
    }
    return fd_.get();
}

void Inbox::close(bool forget) noexcept {
    if (core_->is_forked()) return;
    {
        std::lock_guard lock{mutex_};
        forget_ = forget_ || forget;
        open_ = false;
        for (const Arrival& unseen : queue_)
            std::erase_if(streams_, [&](const auto& one) { return one.second == unseen.stream; });
        queue_.clear();
        arrived_.notify_all();
        signal_fd();
    }
    core_->rouse_stand_in();
    leave_if_done();
}

void Inbox::release() noexcept {
    if (core_->is_forked()) return;
    close(false);
    drop_current();
}

// What is handed out may still be acknowledged: the subscription ends with the last of it.
void Inbox::leave_if_done() {
    if (undecided_.load() > 0) return;
    bool forget = false;
    {
        std::lock_guard lock{mutex_};
        if (open_ || std::exchange(left_, true)) return;
        forget = forget_;
    }
    core_->pass_acks(*this);
    core_->unsubscribe(id, forget);
}

bool Inbox::is_open() const { return open_.load(); }

std::string Inbox::why() const {
    std::lock_guard lock{mutex_};
    return why_;
}

// ---- Read part by part
// ----------------------------------------------------------------------------

// Later parts, and what ends them, go straight to whoever reads the message. False: it goes the way
// of all deliveries.
bool Inbox::push_part(Arrival& arrival) {
    const Bytes bytes{arrival.frame.data<std::byte>(), arrival.frame.size()};
    const auto decoded = wire::decode_envelope(bytes);
    const auto header = wire::decode_batch(decoded->batch, wire::Body::cut);
    if (!header || !header->part) return false;
    PartStream::Part part{.tag = decoded->envelope.number,
                          .place = *header->part,
                          .is_abort = (header->flags & wire::batch_flag::abort) != 0};
    const StreamKey key{header->producer, part.place.first_sequence};
    const auto stream = stream_for(key, part, arrival);
    if (!stream) return false;
    part.frame.copy(arrival.frame);
    const bool is_new = arrival.stream != nullptr;
    gather(arrival.epoch, stream->push(std::move(part)));
    if (stream->is_over()) forget(*stream);
    return !is_new;
}

std::shared_ptr<PartStream> Inbox::stream_for(const StreamKey& key, const PartStream::Part& part,
                                              Arrival& arrival) {
    std::lock_guard lock{mutex_};
    if (arrival.epoch != epoch_) return nullptr;
    if (const auto found = streams_.find(key); found != streams_.end()) return found->second;
    if (part.place.index != 0 || part.is_abort || !open_) return nullptr;
    arrival.stream = std::make_shared<PartStream>();
    return streams_.emplace(key, arrival.stream).first->second;
}

void Inbox::forget(const PartStream& stream) {
    std::lock_guard lock{mutex_};
    std::erase_if(streams_, [&](const auto& one) { return one.second.get() == &stream; });
}

std::size_t Inbox::read(PartStream& stream, std::uint64_t epoch, std::span<std::byte> into,
                        Clock::time_point until) {
    for (;;) {
        PartStream::Acks acks;
        std::optional<std::size_t> got;
        try {
            got = stream.read(into, acks);
        } catch (const StreamError&) {
            gather(epoch, std::move(acks));
            forget(stream);
            throw;
        }
        gather(epoch, std::move(acks));
        if (got) return *got;
        if (core_->is_forked())
            throw StreamError{StreamError::Why::interrupted, "this is a forked process"};
        if (until <= Clock::now())
            throw StreamError{StreamError::Why::timed_out, "no more of the message came in time"};
        if (!core_->stand_in(stream, until)) stream.wait(until);
    }
}

void Inbox::gather(std::uint64_t epoch, PartStream::Acks acks) {
    auto follow = Follow::nothing;
    for (auto& ack : acks) static_cast<void>(gather(epoch, std::move(ack), true, follow));
    carry_out(follow);
}

bool Inbox::gather_stream(const Delivery& delivery, const wire::Ack& verdict) {
    PartStream& stream = *delivery.held_->stream;
    gather(delivery.held_->epoch, stream.decide(verdict));
    if (stream.is_over() || verdict.verdict != wire::Verdict::ack) forget(stream);
    std::lock_guard lock{mutex_};
    return delivery.held_->epoch == epoch_.load(std::memory_order_relaxed);
}

// ---- Verdicts -----------------------------------------------------------------------------

Ack Inbox::decide(const Delivery& delivery, wire::Ack verdict) {
    if (core_->is_forked()) return Ack::stale;
    if (in_parts_) verdict.through = false;
    const bool given = gather_all(delivery, std::move(verdict));
    if (undecided_.fetch_sub(1) == 1 && !is_open()) leave_if_done();
    return given ? Ack::given : Ack::stale;
}

// It decides nothing, but must not wait for company.
Ack Inbox::extend(const Delivery& delivery) {
    if (core_->is_forked()) return Ack::stale;
    if (is_acknowledged(delivery)) return Ack::decided;
    auto follow = Follow::nothing;
    wire::Ack verdict{.verdict = wire::Verdict::extend};
    name_last_of(delivery, verdict);
    const bool given = gather(delivery.held_->epoch, std::move(verdict), true, follow);
    carry_out(follow);
    return given ? Ack::given : Ack::stale;
}

bool Inbox::gather_all(const Delivery& delivery, wire::Ack&& verdict) {
    const auto& held = delivery.held_;
    if (held->stream) return gather_stream(delivery, verdict);
    auto follow = Follow::nothing;
    bool given = true;
    if (held->joined && !verdict.through) {
        for (const auto& piece : held->joined->pieces) {
            wire::Ack ack = verdict;
            ack.tag = piece.tag;
            ack.first = piece.index;
            ack.count = 1;
            given = gather(held->epoch, std::move(ack), true, follow) && given;
        }
    } else {
        name_last_of(delivery, verdict);
        const bool completes = delivery.completes_ || verdict.through;
        given = gather(held->epoch, std::move(verdict), completes, follow);
    }
    carry_out(follow);
    return given;
}

// It is on the message, of a large one on its last piece.
void Inbox::name_last_of(const Delivery& delivery, wire::Ack& verdict) {
    const auto& joined = delivery.held_->joined;
    const auto& stream = delivery.held_->stream;
    verdict.tag = joined ? joined->pieces.back().tag : stream ? stream->tag() : delivery.tag_;
    verdict.first = joined ? joined->pieces.back().index : delivery.index_;
    verdict.count = 1;
}

bool Inbox::is_acknowledged(const Delivery& delivery) const {
    wire::Ack last;
    name_last_of(delivery, last);
    std::lock_guard lock{mutex_};
    return delivery.held_->epoch == epoch_.load(std::memory_order_relaxed) &&
           std::pair{last.tag, last.first} <= through_;
}

bool Inbox::gather(std::uint64_t epoch, wire::Ack&& ack, bool completes, Follow& follow) {
    std::lock_guard lock{mutex_};
    if (epoch != epoch_.load(std::memory_order_relaxed) || left_) return false;
    if (std::pair{ack.tag, ack.first} <= through_) return true;
    const bool was_empty = acks_.empty();
    if (ack.through) through_ = std::max(through_, std::pair{ack.tag, ack.first});
    acks_.add(std::move(ack));
    if (completes || acks_.messages() >= pass_after_)
        follow = Follow::pass_now;
    else if (was_empty && follow == Follow::nothing)
        follow = Follow::pass_soon;
    return true;
}

void Inbox::carry_out(Follow follow) {
    switch (follow) {
        case Follow::nothing:
            return;
        case Follow::pass_soon:
            return core_->pass_acks_soon(shared_from_this());
        case Follow::pass_now:
            return core_->pass_acks(*this);
    }
}

std::vector<wire::Ack> Inbox::take_acks(std::uint64_t& epoch) {
    std::lock_guard lock{mutex_};
    epoch = epoch_;
    return acks_.take_records();
}

void Inbox::signal_fd() noexcept {
    if (fd_) static_cast<void>(::eventfd_write(fd_.get(), 1));
}

void Inbox::clear_fd() noexcept {
    eventfd_t value = 0;
    if (fd_) static_cast<void>(::eventfd_read(fd_.get(), &value));
}

}  // namespace bus::client
