#include "session/open_batch.h"

#include "base/assert.h"
#include "session/outbox.h"
#include "wire/envelope.h"

namespace bus::session {
namespace {

// Up to this a batch leaves as a copy; beyond, copying costs more than a cold block.
constexpr std::size_t copied_bytes_max = 16 * 1024;

std::size_t encoded_bytes(const Outgoing& message) {
    return wire::message_overhead + message.headers.size() + message.payload.size();
}

}  // namespace

void OpenBatch::open(ChannelState& channel, const Outgoing& message, Stamp stamp, FramePool& pool,
                     const std::optional<wire::Part>& part, std::uint16_t flags) {
    BUS_ASSERT(!is_open());
    if (!block_) block_ = pool.make(wire::frame_bytes_max);
    channel_ = &channel;
    header_ = {.kind = message.kind,
               .mode = message.mode,
               .lane = message.lane,
               .flags = flags,
               .created_micros = stamp.wall_micros,
               .ttl_millis = message.ttl_millis,
               .channel = channel.key.name,
               .part = part};
    head_bytes_ = wire::envelope_length + wire::encoded_header_length(header_);
    body_ = 0;
    count_ = 0;
    delay_millis_ = message.delay_millis;
    opened_ = stamp.now;
}

bool OpenBatch::admits(const Outgoing& message) const noexcept {
    return is_open() && !header_.part && message.channel == header_.channel &&
           message.kind == header_.kind && message.lane == header_.lane &&
           message.mode == header_.mode && message.ttl_millis == header_.ttl_millis &&
           message.delay_millis == delay_millis_ && admits_stage(message) &&
           message.to_all == ((header_.flags & wire::batch_flag::to_all) != 0) &&
           body_ + encoded_bytes(message) <= wire::batch_body_bytes_max;
}

void OpenBatch::append(const Outgoing& message, std::uint64_t sequence) {
    if (count_ == 0) header_.sequence = sequence;
    wire::encode_message(block_.data() + head_bytes_ + body_, sequence, message.headers,
                         message.payload);
    body_ += encoded_bytes(message);
    ++count_;
    if (message.receipt == 0) return;
    wishes_.push_back({message.receipt, message.stage});
    if (message.stage == wire::Stage::safe) return;
    header_.flags |= wire::batch_flag::want_arrived;
    if (message.stage == wire::Stage::consumed) header_.flags |= wire::batch_flag::want_consumed;
}

// A batch has one receipt beyond `safe`.
bool OpenBatch::admits_stage(const Outgoing& message) const noexcept {
    const bool is_free = (header_.flags & wire::batch_flag::want_arrived) == 0;
    if (message.receipt == 0 || message.stage == wire::Stage::safe || is_free) return true;
    return header_.wants_consumed() == (message.stage == wire::Stage::consumed);
}

OpenBatch::Closed OpenBatch::close(const ProducerId& producer, std::uint64_t channel_sequence,
                                   FramePool& pool) {
    BUS_ASSERT(is_open() && count_ > 0);
    header_.producer = producer;
    header_.channel_sequence = channel_sequence;
    header_.message_count = count_;
    header_.body_length = static_cast<std::uint32_t>(body_);
    wire::encode_header(header_, block_.data() + wire::envelope_length);
    block_.set_size(frame_bytes());
    channel_ = nullptr;
    const bool copied = frame_bytes() <= copied_bytes_max;
    return {.frame = copied ? pool.copy(block_.bytes()) : std::move(block_),
            .wishes = std::exchange(wishes_, {}),
            .header = header_,
            .opened = opened_};
}

}  // namespace bus::session
