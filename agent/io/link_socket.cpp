#include "io/link_socket.h"

#include "io/received_batch.h"
#include "wire/link.h"

namespace bus::io {

namespace {

constexpr std::chrono::milliseconds unrepaired_max{60'000};

}  // namespace

void set_link_options(Socket& socket) {
    using namespace std::chrono_literals;
    socket.set(IoThread::links);
    // Credit bounds what is on its way. A mark that binds would stop the engine from reading, it
    // would miss the PONG and drop a healthy link (FACTS trap E).
    socket.set(ZMQ_SNDHWM, 0);
    socket.set(ZMQ_RCVHWM, 0);
    socket.set(ZMQ_HANDSHAKE_IVL, 5'000ms);
    // An agent that stands still. A frame of 80 KiB takes 13 s at 50 kbit/s, and 30 s and more when
    // both directions are full; only a whole one counts as a sign of life.
    socket.set(ZMQ_HEARTBEAT_IVL, 5'000ms);
    socket.set(ZMQ_HEARTBEAT_TIMEOUT, 60'000ms);
    // A line that loses nearly everything; a silent one is noticed sooner (silent_line.h).
    socket.set(ZMQ_TCP_MAXRT, unrepaired_max);
}

void take_link_frame(core::Exchange& exchange, core::LinkId link, Frame&& frame, Told& told,
                     Time now) {
    const auto malformed = [&](wire::Reject why) {
        ++told.counters.malformed_link;
        exchange.on_link_malformed(link, why, now);
    };
    const Bytes bytes = frame.bytes();
    const auto first = bytes.empty() ? std::byte{0} : bytes.front();
    if (first == static_cast<std::byte>(wire::FrameType::data)) {
        auto received = receive_batch(std::move(frame));
        if (!received) return malformed(received.error());
        return exchange.on_link_batch(link, received->envelope, std::move(received->batch), now);
    }
    const auto control = wire::decode_link(bytes);
    if (!control) return malformed(control.error());
    exchange.on_link_frame(link, *control, now);
}

bool is_hello(const Frame& frame) {
    return !frame.empty() &&
           frame.bytes().front() == static_cast<std::byte>(wire::FrameType::link_hello);
}

Frame frame_for(const core::ToLink& out) {
    if (const auto* batch = std::get_if<core::SendBatch>(&out.what))
        return frame_for(batch->envelope, batch->batch, batch->body_begin, batch->body_end);
    return Frame::copy_of(wire::encode_link(std::get<wire::LinkFrame>(out.what)));
}

}  // namespace bus::io
