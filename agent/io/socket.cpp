#include "io/socket.h"

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/assert.h"
#include "base/clock.h"
#include "base/tsan.h"
#include "bus/error.h"
#include "limits.h"

namespace bus::io {
namespace {

// Draft names in Debian's header, present in its library (FACTS section 1; agent/io tests ask).
constexpr int ctx_zero_copy_recv = 10;
// CURVE adds this much to a frame on the wire, and ZMQ_MAXMSGSIZE counts wire frames.
constexpr int curve_overhead = 33;

[[noreturn]] void fail(const std::string& what) {
    throw Error{what + ": " + zmq_strerror(zmq_errno())};
}

// Automatic routing ids are counted up from rand(), which nobody seeds: a peer that claims the
// next one aborts the process (FACTS trap A). So each ROUTER begins somewhere else.
void seed_routing_ids() { std::srand(static_cast<unsigned>(random_u64())); }

}  // namespace

Context::Context() : context_(zmq_ctx_new()) {
    BUS_ASSERT(context_ != nullptr);
    // Otherwise zmq_ctx_term waits for the linger of every socket.
    BUS_ASSERT(zmq_ctx_set(context_, ZMQ_BLOCKY, 0) == 0);
    BUS_ASSERT(zmq_ctx_set(context_, ZMQ_IO_THREADS, 2) == 0);
    // A socket and both ends of its monitor for every peer that is dialled, and our own few.
    BUS_ASSERT(
        zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, static_cast<int>(64 + 3 * limits::peers_max)) == 0);
    // With it, one kept frame of 200 bytes pins the 18 KiB buffer it was read with.
    BUS_ASSERT(zmq_ctx_set(context_, ctx_zero_copy_recv, 0) == 0);
}

Context::~Context() {
    while (zmq_ctx_term(context_) != 0) BUS_ASSERT(zmq_errno() == EINTR);
}

Socket::Socket(Context& context, int type) {
    if (type == ZMQ_ROUTER) seed_routing_ids();
    socket_ = zmq_socket(context.raw(), type);
    if (socket_ == nullptr) fail("cannot make a socket");
    set(ZMQ_LINGER, 0);
    std::size_t size = sizeof fd_;
    BUS_ASSERT(zmq_getsockopt(socket_, ZMQ_FD, &fd_, &size) == 0);
    // Before authentication a peer could otherwise announce, and make us buffer, any size.
    const std::int64_t frame_max = limits::frame_bytes_max + curve_overhead;
    BUS_ASSERT(zmq_setsockopt(socket_, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0);
}

Socket::Socket(Socket&& other) noexcept
    : socket_(std::exchange(other.socket_, nullptr)), fd_(other.fd_), quiet_(other.quiet_) {}

Socket::~Socket() {
    if (socket_ != nullptr) zmq_close(socket_);
}

void Socket::set(int option, int value) {
    BUS_ASSERT(zmq_setsockopt(socket_, option, &value, sizeof value) == 0);
}

void Socket::set(int option, std::chrono::milliseconds value) {
    set(option, static_cast<int>(value.count()));
}

void Socket::set(int option, std::string_view value) {
    BUS_ASSERT(zmq_setsockopt(socket_, option, value.data(), value.size()) == 0);
}

void Socket::set(IoThread thread) {
    BUS_ASSERT(zmq_setsockopt(socket_, ZMQ_AFFINITY, &thread, sizeof thread) == 0);
}

void Socket::bind(const std::string& endpoint) {
    quiet_ = false;
    if (zmq_bind(socket_, endpoint.c_str()) != 0) fail("cannot bind " + endpoint);
}

void Socket::connect(const std::string& endpoint) {
    quiet_ = false;
    if (zmq_connect(socket_, endpoint.c_str()) != 0) fail("cannot connect to " + endpoint);
}

std::string Socket::last_endpoint() const {
    char text[256];
    std::size_t size = sizeof text;
    BUS_ASSERT(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, text, &size) == 0);
    return text;
}

bool Socket::receive(Frame& into, bool& more) {
    while (zmq_msg_recv(into.raw(), socket_, ZMQ_DONTWAIT) < 0) {
        quiet_ = zmq_errno() == EAGAIN;
        if (quiet_) return false;
        BUS_ASSERT(zmq_errno() == EINTR);
    }
    quiet_ = false;
    tsan_acquire(socket_);
    more = zmq_msg_more(into.raw()) != 0;
    return true;
}

void Socket::skip_rest() {
    Frame dropped;
    for (bool more = true; more;) BUS_ASSERT(receive(dropped, more));
}

Sent Socket::send(Frame frame, More more) {
    const int flags = ZMQ_DONTWAIT | (more == More::yes ? ZMQ_SNDMORE : 0);
    quiet_ = false;
    tsan_release(socket_);
    while (zmq_msg_send(frame.raw(), socket_, flags) < 0) {
        if (zmq_errno() == EHOSTUNREACH) return Sent::gone;
        if (zmq_errno() == EAGAIN) return Sent::full;
        BUS_ASSERT(zmq_errno() == EINTR);
    }
    return Sent::taken;
}

bool Socket::is_quiet() {
    if (quiet_) return true;
    int events = 0;
    std::size_t size = sizeof events;
    while (zmq_getsockopt(socket_, ZMQ_EVENTS, &events, &size) != 0)
        BUS_ASSERT(zmq_errno() == EINTR);
    quiet_ = (events & ZMQ_POLLIN) == 0;
    return quiet_;
}

bool receive_message(Socket& router, Received& into) {
    bool more = false;
    if (!router.receive(into.routing_id, more)) return false;
    into.delimited = false;
    into.malformed = !more;  // a ROUTER always puts the id in front: more follows
    if (!more) return true;
    BUS_ASSERT(router.receive(into.body, more));  // messages arrive whole
    if (more && into.body.empty()) {
        into.delimited = true;
        BUS_ASSERT(router.receive(into.body, more));
    }
    if (more) {
        router.skip_rest();
        into.malformed = true;
    }
    return true;
}

Sent send_message(Socket& router, std::string_view routing_id, bool delimited, Frame body) {
    // ROUTER_MANDATORY decides at the first frame; what follows belongs to the same pipe.
    const Sent sent = router.send(Frame::copy_of(as_bytes(routing_id)), More::yes);
    if (sent != Sent::taken) return sent;
    if (delimited) BUS_ASSERT(router.send(Frame{}, More::yes) == Sent::taken);
    BUS_ASSERT(router.send(std::move(body)) == Sent::taken);
    return Sent::taken;
}

}  // namespace bus::io
