#include "client/agent_socket.h"

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "base/tsan.h"
#include "wire/bounds.h"

namespace bus::client {
namespace {

constexpr int reconnect_millis = 20;
constexpr int reconnect_max_millis = 500;
constexpr int watched_events =
    ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

std::string monitor_endpoint() {
    static std::atomic<std::uint64_t> last{0};
    return "inproc://libbus-monitor-" + std::to_string(++last);
}

void configure(zmq::socket_t& socket) {
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::sndhwm, 0);  // windows of our own bound both directions
    socket.set(zmq::sockopt::rcvhwm, 0);
    socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(wire::frame_bytes_max));
    socket.set(zmq::sockopt::reconnect_ivl, reconnect_millis);
    socket.set(zmq::sockopt::reconnect_ivl_max, reconnect_max_millis);
}

// On libzmq's thread.
void release_frame(void*, void* hint) {
    tsan_acquire(hint);
    session::Frame::adopt(hint);
}

}  // namespace

AgentSocket::AgentSocket(zmq::context_t& context, const std::string& endpoint)
    : socket_(context, zmq::socket_type::dealer), monitor_(context, zmq::socket_type::pair) {
    configure(socket_);
    const auto events = monitor_endpoint();
    if (zmq_socket_monitor(socket_.handle(), events.c_str(), watched_events) != 0)
        throw zmq::error_t{};
    monitor_.set(zmq::sockopt::linger, 0);
    monitor_.connect(events);
    socket_.connect(endpoint);
    watch();  // libzmq signals a reader that has found nothing; one that never looked is not told
}

AgentSocket::~AgentSocket() {
    // Before closing, or a monitor that nobody reads stops libzmq's I/O thread.
    zmq_socket_monitor(socket_.handle(), nullptr, 0);
}

bool AgentSocket::send(session::Frame frame) {
    const Bytes bytes = frame.bytes();
    zmq_msg_t message;
    void* const data = const_cast<std::byte*>(bytes.data());
    void* const hint = frame.release();
    tsan_release(hint);
    if (zmq_msg_init_data(&message, data, bytes.size(), release_frame, hint) != 0) {
        session::Frame::adopt(hint);
        lost_ = true;  // out of memory: what was not sent is sent again after a reconnect
        return false;
    }
    return send(message);
}

bool AgentSocket::send(Bytes bytes) {
    zmq_msg_t message;
    if (zmq_msg_init_size(&message, bytes.size()) != 0) {
        lost_ = true;
        return false;
    }
    std::memcpy(zmq_msg_data(&message), bytes.data(), bytes.size());
    return send(message);
}

bool AgentSocket::send(zmq_msg_t& message) {
    quiet_ = false;
    while (zmq_msg_send(&message, socket_.handle(), ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() == EINTR) continue;
        zmq_msg_close(&message);
        lost_ = true;
        return false;
    }
    return true;
}

std::optional<zmq::message_t> AgentSocket::receive() {
    for (;;) {
        zmq::message_t message;
        const int got = zmq_msg_recv(message.handle(), socket_.handle(), ZMQ_DONTWAIT);
        if (got < 0 && zmq_errno() == EINTR) continue;
        quiet_ = got < 0;
        if (quiet_) return std::nullopt;
        if (!message.more()) return message;
        // The agent sends single frames; take the rest of whatever this is and drop it.
        while (message.more() && zmq_msg_recv(message.handle(), socket_.handle(), 0) >= 0) {
        }
    }
}

bool AgentSocket::is_quiet() {
    if (quiet_) return true;
    int events = 0;
    std::size_t size = sizeof events;
    while (zmq_getsockopt(socket_.handle(), ZMQ_EVENTS, &events, &size) != 0)
        BUS_ASSERT(zmq_errno() == EINTR);
    quiet_ = (events & ZMQ_POLLIN) == 0;
    return quiet_;
}

void AgentSocket::watch() {
    zmq::message_t event, address;
    while (zmq_msg_recv(event.handle(), monitor_.handle(), ZMQ_DONTWAIT) >= 0) {
        BUS_ASSERT(event.size() == 6);
        const auto what = load<std::uint16_t>(event.data<std::byte>());
        if (event.more()) zmq_msg_recv(address.handle(), monitor_.handle(), 0);
        if (what == ZMQ_EVENT_CONNECTED)
            connected_ = true;
        else
            lost_ = true;
    }
}

void AgentSocket::linger(int millis) { socket_.set(zmq::sockopt::linger, millis); }

}  // namespace bus::client
