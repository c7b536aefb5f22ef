#include "io/authenticator.h"

#include <array>

#include "base/assert.h"
#include "base/z85.h"
#include "limits.h"

namespace bus::io {
namespace {

constexpr std::size_t curve_key_bytes = 32;

// version, request id, domain, address, identity, mechanism, credentials: of libzmq itself.
struct Request {
    std::vector<Frame> frames;
    std::string_view text(std::size_t i) const {
        return i < frames.size() ? as_text(frames[i].bytes()) : std::string_view{};
    }
    bool is_curve_link() const {
        return text(0) == "1.0" && text(2) == Authenticator::domain && text(5) == "CURVE" &&
               text(6).size() == curve_key_bytes;
    }
    std::string key() const { return z85_text(frames[6].bytes()); }
    std::string address() const { return std::string{text(3)}; }
};

std::optional<Request> receive_request(Socket& socket) {
    Request request;
    for (bool more = true; more;)
        if (!socket.receive(request.frames.emplace_back(), more)) return std::nullopt;
    return request;
}

}  // namespace

Authenticator::Authenticator(Context& context, const PeerKeys& keys, Told& told)
    : keys_(keys), told_(told), socket_(context, ZMQ_REP) {
    socket_.bind("inproc://zeromq.zap.01");
}

void Authenticator::answer(const PollSet& poll, Time now) {
    if (!poll.ready(slot_)) return;
    for (std::size_t i = 0; i < limits::turn_frames_per_socket && answer_one(now); ++i) {
    }
}

bool Authenticator::answer_one(Time now) {
    const auto request = receive_request(socket_);
    if (!request) return false;
    const std::string key = request->is_curve_link() ? request->key() : std::string{};
    const bool known = keys_.name_of(key) != nullptr;
    if (!known) {
        ++told_.counters.strangers_refused;
        told_.say(core::Event::Kind::link_refused, now, request->address(),
                  "key " + key + " is no peer's; refused (add it under \"peers\" to let it in)");
    }
    // User-Id, which every frame of the connection will carry, is the key as text.
    const std::array<std::string_view, 6> reply{"1.0",
                                                request->text(1),
                                                known ? "200" : "400",
                                                known ? "OK" : "unknown key",
                                                known ? key : std::string_view{},
                                                ""};
    for (std::size_t i = 0; i < reply.size(); ++i) {
        const More more = i + 1 < reply.size() ? More::yes : More::no;
        // A REP drops its answer when who asked has left.
        (void)socket_.send(Frame::copy_of(as_bytes(reply[i])), more);
    }
    return true;
}

}  // namespace bus::io
