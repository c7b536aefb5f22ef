#include "io/monitor.h"

#include <atomic>

#include "base/assert.h"
#include "bus/error.h"

namespace bus::io {
namespace {

constexpr int watched = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED |
                        ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

std::string fresh_endpoint() {
    static std::atomic<unsigned> count{0};
    return "inproc://monitor-" + std::to_string(++count);
}

}  // namespace

Monitor::Monitor(Context& context, Socket& of) : of_(of), events_(context, ZMQ_PAIR) {
    events_.set(ZMQ_RCVHWM, 0);
    const std::string endpoint = fresh_endpoint();
    if (zmq_socket_monitor(of.raw(), endpoint.c_str(), watched) != 0)
        throw Error{std::string{"cannot monitor a socket: "} + zmq_strerror(zmq_errno())};
    events_.connect(endpoint);
    // libzmq signals a reader that has found nothing; one that never looked is not told.
    read(early_);
}

Monitor::~Monitor() { zmq_socket_monitor(of_.raw(), nullptr, 0); }

void Monitor::drain(std::vector<MonitorEvent>& into) {
    into.insert(into.end(), early_.begin(), early_.end());
    early_.clear();
    read(into);
}

void Monitor::read(std::vector<MonitorEvent>& into) {
    Frame what, where;
    bool more = false;
    while (events_.receive(what, more)) {
        // event u16 and value u32 in the first frame, the endpoint in the second.
        BUS_ASSERT(more && what.size() == 6);
        BUS_ASSERT(events_.receive(where, more) && !more);
        into.push_back({.event = load<std::uint16_t>(what.bytes().data()),
                        .value = load<std::int32_t>(what.bytes().data() + 2),
                        .endpoint = std::string{as_text(where.bytes())}});
    }
}

}  // namespace bus::io
