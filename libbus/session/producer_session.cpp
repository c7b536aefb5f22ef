// The side of the caller that publishes: from message to closed batch.
#include "session/producer_session.h"

#include <algorithm>

#include "base/assert.h"
#include "base/mutation.h"
#include "wire/envelope.h"

namespace bus::session {
namespace {

std::size_t encoded_bytes(const Outgoing& message) {
    return wire::message_overhead + message.headers.size() + message.payload.size();
}

bool is_reply(const wire::ChannelKey& channel) {
    return wire::is_reply_address(channel.kind, channel.name);
}

std::size_t head_bytes_for(const Outgoing& message) {
    constexpr std::size_t fixed = wire::envelope_length + 128;
    return fixed + message.channel.size();
}

}  // namespace

ProducerSession::ProducerSession(const Options& options, FramePool& pool)
    : options_(options), producer_(options.producer), pool_(pool) {
    BUS_ASSERT(options.named == options.producer.is_zero());
    BUS_ASSERT(options.outbox_bytes >= limits::outbox_bytes_min);
}

bool ProducerSession::may_join(const Outgoing& message) const noexcept {
    if (!open_.admits(message) || !continues(message)) return false;
    return options_.batch_messages_max == 0 || open_.messages() < options_.batch_messages_max;
}

// A batch is a run of sequences, all of them taken before or none.
bool ProducerSession::continues(const Outgoing& message) const noexcept {
    return !options_.named || (message.sequence == next_sequence_ && next_sequence_ != taken_ + 1);
}

// With a name: what is to be said without taking it. Nothing: it is taken like any other.
std::optional<Offer> ProducerSession::judge_sequence(const Outgoing& message) {
    if (!was_welcome_) return Offer::would_block;
    if (message.sequence == 0) return Offer::out_of_order;
    if (message.sequence <= safe_) {
        if (message.receipt != 0)
            settled_.push_back({message.receipt, Outcome::reached, {}, "published before"});
        return Offer::taken;
    }
    if (message.sequence < next_sequence_) return Offer::out_of_order;
    if (needs_parts(message)) return Offer::not_in_parts;
    return std::nullopt;
}

std::optional<Offer> ProducerSession::join(const Outgoing& message) {
    if (message.ttl_millis != 0 || message.delay_millis != 0) return std::nullopt;
    if (options_.named)
        if (const auto said = judge_sequence(message)) return *said;
    if (!may_join(message)) return std::nullopt;
    if (awaits_too_many(message) || !has_room(*open_.channel(), encoded_bytes(message)))
        return Offer::would_block;
    append(message);
    return Offer::taken;
}

// A lifetime and a delay count from the batch's creation, so nobody joins one that has become old.
bool ProducerSession::is_stale(const Outgoing& message, Stamp stamp) const noexcept {
    const bool counts = message.ttl_millis != 0 || message.delay_millis != 0;
    return counts && stamp.now - open_.opened() > limits::batch_age_max;
}

bool ProducerSession::awaits_too_many(const Outgoing& message) const noexcept {
    return message.receipt != 0 && message.stage != wire::Stage::safe &&
           awaiting_.size() >= limits::awaiting_max;
}

Offer ProducerSession::offer(const Outgoing& message, Stamp stamp) {
    if (options_.named)
        if (const auto said = judge_sequence(message)) return *said;
    const std::size_t bytes = encoded_bytes(message);
    if (awaits_too_many(message)) return Offer::would_block;
    if (may_join(message) && !is_stale(message, stamp)) {
        if (!has_room(*open_.channel(), bytes)) return Offer::would_block;
    } else {
        if (needs_parts(message)) return Offer::too_large;
        const Offer opened = open_for(message, stamp, bytes);
        if (opened != Offer::taken) return opened;
    }
    append(message);
    return Offer::taken;
}

void ProducerSession::append(const Outgoing& message) {
    charge(*open_.channel(), encoded_bytes(message));
    open_.append(message, next_sequence_++);
    ++unsafe_messages_;
}

Offer ProducerSession::open_for(const Outgoing& message, Stamp stamp, std::size_t bytes) {
    const auto channel = channel_of(message);
    if (!channel) return channel.error();
    if ((*channel)->unfinished != 0) return Offer::would_block;
    if (!has_room(**channel, bytes + head_bytes_for(message))) return Offer::would_block;
    close_open();
    if (options_.named) next_sequence_ = message.sequence;
    std::uint16_t flags = 0;
    if (options_.named) flags |= wire::batch_flag::sparse;
    if (message.delay_millis > 0) flags |= wire::batch_flag::delayed;
    if (message.to_all) flags |= wire::batch_flag::to_all;
    start(**channel, message, stamp, {}, flags);
    return Offer::taken;
}

void ProducerSession::start(ChannelState& channel, const Outgoing& message, Stamp stamp,
                            const std::optional<wire::Part>& part, std::uint16_t flags) {
    open_.open(channel, message, stamp, pool_, part, flags);
    charge(channel, open_.frame_bytes());
    if (message.ttl_millis != 0)
        earliest_expiry_ =
            std::min(earliest_expiry_, stamp.now + std::chrono::milliseconds{message.ttl_millis});
}

Expected<ChannelState*, Offer> ProducerSession::channel_of(const Outgoing& message) {
    const auto found = channels_.find(ChannelView{message.kind, message.channel});
    if (found != channels_.end()) return found->second.get();
    if (!wire::is_channel(message.channel) &&
        !wire::is_reply_address(message.kind, message.channel))
        return Unexpected{Offer::bad_name};
    if (reply_channels_ >= limits::reply_channels_max) forget_reply_channels();
    if (channels_.size() >= limits::channels_max) return Unexpected{Offer::too_many_channels};
    auto state = std::make_unique<ChannelState>();
    state->key = {message.kind, std::string{message.channel}};
    state->held = is_held(*state);
    auto* const channel = state.get();
    if (is_reply(channel->key)) ++reply_channels_;
    channels_.emplace(channel->key, std::move(state));
    return channel;
}

// Whoever serves others for long replies to more of them than it can remember; nobody counts the
// messages there.
void ProducerSession::forget_reply_channels() {
    std::unordered_set<const ChannelState*> in_use{open_.channel()};
    for (const auto& line : waiting_)
        for (const auto& departure : line) in_use.insert(departure.channel);
    reply_channels_ -= std::erase_if(channels_, [&](const auto& known) {
        return is_reply(known.first) && !in_use.contains(known.second.get());
    });
}

bool ProducerSession::has_room(const ChannelState& channel, std::size_t bytes) const noexcept {
    if (bytes_ + bytes > options_.outbox_bytes) return false;
    return !channel.held || held_bytes_ + bytes <= options_.outbox_bytes / limits::held_share;
}

void ProducerSession::charge(const ChannelState& channel, std::size_t bytes) noexcept {
    bytes_ += bytes;
    if (channel.held) held_bytes_ += bytes;
}

void ProducerSession::close_open() {
    if (!open_.is_open()) return;
    ChannelState& channel = *open_.channel();
    auto& lane = channel.lane(open_.header().lane);
    auto& next = open_.header().is_delayed() ? lane.next_delayed : lane.next_sequence;
    const auto messages = open_.messages();
    const auto delay = std::chrono::milliseconds{open_.delay_millis()};
    if (options_.named) next = next_sequence_ - messages;
    auto closed = open_.close(producer_, next, pool_);
    next += messages;
    const bool lives_for_ever = closed.header.ttl_millis == 0;
    const auto life = std::chrono::milliseconds{closed.header.ttl_millis};
    put_in_line({.frame = std::move(closed.frame),
                 .channel = &channel,
                 .lane = closed.header.lane,
                 .sequence = closed.header.sequence,
                 .messages = messages,
                 .guaranteed = closed.header.guaranteed(),
                 .is_abort = (closed.header.flags & wire::batch_flag::abort) != 0,
                 .part = closed.header.part,
                 .expires = lives_for_ever ? never : closed.opened + life,
                 // From when the last of it may have joined.
                 .due = delay.count() == 0 ? Time{} : closed.opened + delay + limits::batch_age_max,
                 .wishes = std::move(closed.wishes)});
}

void ProducerSession::put_in_line(Departure departure) {
    ChannelState& channel = *departure.channel;
    if (mutated(Mutation::held_number_passed) && departure.guaranteed)
        departure.number = next_number_++;
    const bool waits = waits_for_resume(departure);
    if (channel.held && !waits) held_bytes_ -= departure.bytes();
    (waits ? channel.line : waiting_).push(std::move(departure));
}

// HOLD spares the rest of a large message whose beginning has left: room for it is reserved.
bool ProducerSession::waits_for_resume(const Departure& departure) const noexcept {
    if (!departure.channel->held || options_.named) return false;
    return !departure.is_later_part() ||
           departure.channel->lane(departure.lane).departed != departure.part->first_sequence;
}

// ---- Large messages -------------------------------------------------------------

bool ProducerSession::needs_parts(const Outgoing& message) noexcept {
    return encoded_bytes(message) > wire::batch_body_bytes_max;
}

std::optional<LargeMessage> ProducerSession::cut(const Outgoing& message) {
    return announce(message, message.payload.size());
}

std::optional<LargeMessage> ProducerSession::announce(const Outgoing& message,
                                                      std::uint64_t bytes) {
    if (bytes > wire::message_bytes_max) return std::nullopt;
    const auto parts = (bytes + limits::part_bytes - 1) / limits::part_bytes;
    return LargeMessage{.message = message,
                        .bytes = bytes,
                        .parts = static_cast<std::uint32_t>(std::max<std::uint64_t>(parts, 1))};
}

Offer ProducerSession::offer_part(LargeMessage& large, Stamp stamp) {
    BUS_ASSERT(!large.finished());
    const std::size_t from = large.next_part * limits::part_bytes;
    return offer_part(large, large.message.payload.subspan(from, large.next_bytes()), stamp);
}

Offer ProducerSession::offer_part(LargeMessage& large, Bytes part, Stamp stamp) {
    BUS_ASSERT(!large.finished() && part.size() == large.next_bytes());
    if (options_.named) return Offer::not_in_parts;
    const auto found = channel_of(large.message);
    if (!found) return found.error();
    ChannelState& channel = **found;
    if (channel.unfinished != large.first_sequence) return Offer::would_block;
    if (awaits_too_many(large.message)) return Offer::would_block;
    if (!has_room(channel, wire::frame_bytes_max)) return Offer::would_block;
    if (large.next_part == 0) channel.unfinished = large.first_sequence = next_sequence_;
    append_part(channel, large, part, stamp, 0);
    if (large.finished()) channel.unfinished = 0;
    return Offer::taken;
}

std::uint64_t ProducerSession::bytes_waiting(const LargeMessage& large) const {
    const auto found = channels_.find(ChannelView{large.message.kind, large.message.channel});
    if (large.next_part == 0 || found == channels_.end()) return 0;
    std::uint64_t bytes = 0;
    for (const Lines* lines : {&waiting_, static_cast<const Lines*>(&found->second->line)})
        for (const auto& departure : (*lines)[large.message.lane])
            if (departure.part && departure.part->first_sequence == large.first_sequence)
                bytes += departure.bytes();
    return bytes;
}

bool ProducerSession::fits_whole(const LargeMessage& large) const {
    const auto bytes = std::uint64_t{large.parts} * wire::frame_bytes_max;
    const auto found = channels_.find(ChannelView{large.message.kind, large.message.channel});
    if (found != channels_.end())
        return found->second->unfinished == 0 && has_room(*found->second, bytes);
    return bytes_ + bytes <= options_.outbox_bytes;
}

void ProducerSession::append_part(ChannelState& channel, LargeMessage& large, Bytes payload,
                                  Stamp stamp, std::uint16_t flags) {
    Outgoing piece = large.message;
    if (large.next_part > 0) piece.headers = {};
    piece.payload = payload;
    if ((flags & wire::batch_flag::abort) != 0) piece.receipt = 0;
    const wire::Part part{.first_sequence = large.first_sequence,
                          .index = large.next_part,
                          .total = large.parts,
                          .total_bytes = large.bytes};
    close_open();
    start(channel, piece, stamp, part, static_cast<std::uint16_t>(flags | wire::batch_flag::part));
    append(piece);
    close_open();
    ++large.next_part;
}

void ProducerSession::abandon(LargeMessage large, Stamp stamp) {
    if (large.next_part == 0 || large.finished()) return;
    ChannelState& channel = **channel_of(large.message);
    channel.unfinished = 0;
    if (channel.lane(large.message.lane).departed == large.first_sequence) {
        append_part(channel, large, {}, stamp, wire::batch_flag::abort);
        return;
    }
    for (auto* lines : {&waiting_, &channel.line}) {
        Lines::Line rest;
        for (auto& departure : (*lines)[large.message.lane]) {
            if (departure.part && departure.part->first_sequence == large.first_sequence)
                release(departure);
            else
                rest.push_back(std::move(departure));
        }
        (*lines)[large.message.lane].swap(rest);
    }
    count_held();
}

}  // namespace bus::session
