#include "core/large_messages.h"

namespace bus::core {

LargeMessage* LargeMessages::find(const ProducerId& producer, std::uint64_t first_sequence) {
    const auto found = messages_.find({producer, first_sequence});
    return found == messages_.end() ? nullptr : &found->second;
}

LargeMessage& LargeMessages::begin(const wire::BatchHeader& part, DestinationId source) {
    LargeMessage& begun = messages_[{part.producer, part.part->first_sequence}];
    begun.source = source;
    begun.rest.kind = part.kind;
    begun.rest.lane = part.lane;
    begun.rest.channel = part.channel;
    begun.rest.group = part.group;
    begun.rest.producer = part.producer;
    begun.rest.part = *part.part;
    return begun;
}

void LargeMessages::add(LargeMessage& message, const wire::BatchHeader& part, BatchId id,
                        Time now) {
    message.parts.push_back(id);
    ++message.undecided;
    message.moved = now;
    // After an abort another copy may begin, which needs an end of its own.
    const bool begins_anew = message.cut_short && !is_abort(part);
    message.complete = is_last_part(part) || (message.complete && !begins_anew);
    message.cut_short = is_abort(part) || (message.cut_short && !begins_anew);
    message.ended = message.ended && !begins_anew;
    if (part.sequence <= message.rest.sequence) return;  // it comes again
    message.rest.sequence = part.sequence;
    message.rest.channel_sequence = part.channel_sequence;
    message.rest.part.index = part.part->index + 1;
}

void LargeMessages::erase(const LargeMessage& message) {
    messages_.erase({message.rest.producer, message.rest.part.first_sequence});
}

Batch abort_of(const wire::LinkUnfinished& message) {
    wire::BatchHeader header{.kind = message.kind,
                             .lane = message.lane,
                             .flags = wire::batch_flag::part | wire::batch_flag::abort,
                             .message_count = 1,
                             .producer = message.producer,
                             .sequence = message.sequence,
                             .channel_sequence = message.channel_sequence,
                             .body_length = wire::message_overhead,
                             .channel = message.channel,
                             .part = message.part};
    const auto length = wire::encoded_header_length(header);
    std::vector<std::byte> bytes(length + header.body_length);
    wire::encode_header(header, bytes.data());
    wire::encode_message(bytes.data() + length, header.sequence, {}, {});
    auto batch = OwnedBatch::make(std::move(bytes));
    BUS_ASSERT(batch.has_value());
    return for_group(*batch, message.group);
}

}  // namespace bus::core
