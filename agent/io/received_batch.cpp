#include "io/received_batch.h"

#include <cstring>

#include "base/assert.h"

namespace bus::io {

FrameBatch::FrameBatch(Frame&& frame, std::size_t batch_begin, const wire::BatchHeader& header)
    : frame_(std::move(frame)), batch_begin_(batch_begin) {
    // The channel points into the frame, whose memory did not move with its handle (only frames of
    // less than 34 bytes are kept inside the handle, and no batch is that small).
    const Bytes bytes = frame_.bytes();
    const auto* channel = reinterpret_cast<const std::byte*>(header.channel.data());
    BUS_ASSERT(bytes.data() <= channel && channel < bytes.data() + bytes.size());
    set(bytes.subspan(batch_begin_), header);
}

std::optional<Frame> FrameBatch::lend(const wire::Envelope& envelope) {
    if (lent_ || batch_begin_ != wire::encoded_length(envelope)) return std::nullopt;
    lent_ = true;
    wire::encode_envelope(envelope, frame_.writable().data());
    return frame_.share();
}

namespace {

ReceivedBatch keep(Frame&& frame, const wire::DecodedEnvelope& decoded,
                   const wire::BatchHeader& header) {
    const auto begin = frame.size() - decoded.batch.size();
    auto memory = std::make_shared<FrameBatch>(std::move(frame), begin, header);
    return {.envelope = decoded.envelope, .batch = core::Batch{std::move(memory)}};
}

}  // namespace

Expected<ReceivedBatch, wire::Reject> receive_batch(Frame&& frame) {
    const auto decoded = wire::decode_envelope(frame.bytes());
    if (!decoded) return Unexpected{decoded.error()};
    const auto header = wire::decode_batch(decoded->batch);
    if (!header) return Unexpected{header.error()};
    if (header->is_unsealed()) return Unexpected{wire::Reject::malformed};  // apps' privilege
    return keep(std::move(frame), *decoded, *header);
}

Expected<ReceivedBatch, RefusedBatch> receive_app_batch(Frame&& frame) {
    const auto decoded = wire::decode_envelope(frame.bytes());
    if (!decoded) return Unexpected{RefusedBatch{.number = {}, .why = decoded.error()}};
    const auto refuse = [&](wire::Reject why) {
        return Unexpected{RefusedBatch{.number = decoded->envelope.number, .why = why}};
    };
    auto header = wire::decode_batch(decoded->batch);
    if (!header) return refuse(header.error());
    if (!wire::is_well_formed(decoded->batch.subspan(header->header_length), header->message_count))
        return refuse(wire::Reject::malformed);
    if (header->is_unsealed()) {
        const auto begin = frame.size() - decoded->batch.size();
        wire::seal(frame.writable().subspan(begin));
        header = wire::decode_batch(decoded->batch);
        BUS_ASSERT(header.has_value());
    }
    return keep(std::move(frame), *decoded, *header);
}

Frame frame_for(const wire::Envelope& envelope, const core::Batch& batch, std::uint32_t body_begin,
                std::uint32_t body_end) {
    const wire::BatchHeader& header = batch.header();
    BUS_ASSERT(body_begin <= body_end && body_end <= header.body_length);
    if (body_begin == 0 && body_end == header.body_length)
        if (auto* received = dynamic_cast<FrameBatch*>(&batch.memory()->owner()))
            if (auto frame = received->lend(envelope)) return std::move(*frame);

    const Bytes head = batch.bytes().first(header.header_length);
    const Bytes body = batch.body().subspan(body_begin, body_end - body_begin);
    const std::size_t begin = wire::encoded_length(envelope);
    Frame frame{begin + head.size() + body.size()};
    std::byte* out = frame.writable().data();
    wire::encode_envelope(envelope, out);
    std::memcpy(out + begin, head.data(), head.size());
    if (!body.empty()) std::memcpy(out + begin + head.size(), body.data(), body.size());
    return frame;
}

}  // namespace bus::io
