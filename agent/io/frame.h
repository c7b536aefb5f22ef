// One ZeroMQ frame: its memory and what libzmq knows of its sender.
//
// The context is made without libzmq's zero-copy receive (see context.h), so
// every received frame is an allocation of its own, of its own size: a frame
// that is kept for an hour pins nothing else, and its bytes are ours alone
// until it is sent. A frame may be released on any thread.
#pragma once

#include <zmq.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace bus::io {

class Frame {
  public:
    Frame() noexcept;
    // `size` bytes, uninitialised.
    explicit Frame(std::size_t size);
    static Frame copy_of(Bytes bytes);
    Frame(Frame&& other) noexcept;
    Frame& operator=(Frame&& other) noexcept;
    ~Frame();

    Bytes bytes() const noexcept;
    std::size_t size() const noexcept { return zmq_msg_size(&message_); }
    bool empty() const noexcept { return size() == 0; }
    // Only while no share of it has been sent: libzmq's I/O thread reads what is on its way.
    std::span<std::byte> writable() noexcept;
    // A second handle on the same memory, which from now on nobody may write.
    Frame share() noexcept;

    // What libzmq knows of the sender ("User-Id", "Peer-Address"); empty if nothing. Only of a
    // received body frame: a ROUTER's identity frame carries none.
    std::string_view property(const char* name) const noexcept;
    // The descriptor of the connection it came by, as in the monitor's events; -1: unknown.
    int source_fd() const noexcept;

    zmq_msg_t* raw() noexcept { return &message_; }

  private:
    // libzmq's accessors take it without const and change nothing.
    mutable zmq_msg_t message_;
};

}  // namespace bus::io
