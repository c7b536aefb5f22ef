// A batch in the ZeroMQ frame that brought it, and the way back: when it is
// sent on, the envelope in front of it is overwritten in place and the frame
// goes out again, without a copy of the body (a second frame for the envelope
// would cost 25 to 40%, and a body must be one frame: FACTS trap G).
//
// When that is safe. A frame is [envelope][batch]. The batch's bytes are never
// written after the constructor, so any number of threads may read them (the
// journal thread does, while it commits). The envelope's bytes are read by one
// reader only, libzmq's I/O thread, from the moment a share of the frame is
// sent until it has left, which nobody can tell. So they are written at most
// once, by the loop thread, before the first share is sent: lent_ is that
// moment, and every later send copies. libzmq itself never writes into a
// message it sends (NULL writes it out as it is; CURVE encrypts into another).
// The received envelope must be exactly as long as the one to be sent, for a
// frame cannot be sent from its middle: with extensions it is copied too.
#pragma once

#include <optional>

#include "core/batch.h"
#include "io/frame.h"
#include "wire/batch.h"
#include "wire/envelope.h"

namespace bus::io {

// [envelope][batch], both decoded from the frame they own.
struct ReceivedBatch {
    wire::Envelope envelope;
    core::Batch batch;
};

// The memory of a received batch.
class FrameBatch final : public core::BatchMemory {
  public:
    // `batch_begin`: where in the frame the batch starts; `header`: its decoding.
    FrameBatch(Frame&& frame, std::size_t batch_begin, const wire::BatchHeader& header);

    // The frame with `envelope` in front, ready to be sent; nullopt: lent before, or the received
    // envelope was of another length. Loop thread only.
    std::optional<Frame> lend(const wire::Envelope& envelope);

  private:
    Frame frame_;
    const std::size_t batch_begin_;
    bool lent_ = false;  // loop thread only
};

// Decodes an envelope and the whole batch behind it. The messages are not looked at. The frame is
// taken if that succeeds.
Expected<ReceivedBatch, wire::Reject> receive_batch(Frame&& frame);

// As receive_batch, for what an app sent: its messages must be well-formed, and what is unsealed is
// sealed. The error knows the number, if it could be read.
struct RefusedBatch {
    std::optional<std::uint64_t> number;
    wire::Reject why = wire::Reject::malformed;
};
Expected<ReceivedBatch, RefusedBatch> receive_app_batch(Frame&& frame);

// The frame to send: the received one with its envelope overwritten where that is safe, else a
// copy of the envelope, the batch's header and the body's range.
Frame frame_for(const wire::Envelope& envelope, const core::Batch& batch, std::uint32_t body_begin,
                std::uint32_t body_end);

}  // namespace bus::io
