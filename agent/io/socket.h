// ZeroMQ's context and sockets with errors split as everywhere: what the world
// does not let us do at start is an Error, what may happen to a frame is a
// value, what only a bug can cause aborts. Every socket belongs to the loop thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/frame.h"
#include "limits.h"

namespace bus::io {

// Two I/O threads: apps and operators do not wait behind what thousands of links have to say. (More
// threads add no throughput: FACTS section 2.) Ends without waiting for anybody.
class Context {
  public:
    Context();
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    void* raw() noexcept { return context_; }

  private:
    void* context_;
};

// How long what was said before a socket is closed may still leave, where ZMQ_LINGER is set to it.
inline constexpr std::chrono::milliseconds farewell{500};

// Which of libzmq's threads serves a socket.
enum class IoThread : std::uint64_t { local = 1, links = 2 };

enum class More { no, yes };
enum class Sent {
    taken,
    gone,  // nobody is behind that routing id any more
    full,  // whoever is there has not read for longer than any credit explains
};

class Socket {
  public:
    // LINGER 0 and ZMQ_MAXMSGSIZE are set here: no socket is without them.
    Socket(Context& context, int type);
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&&) = delete;
    ~Socket();

    void set(int option, int value);
    void set(int option, std::chrono::milliseconds value);
    void set(int option, std::string_view value);
    void set(IoThread thread);

    // Throw Error with the endpoint and the reason.
    void bind(const std::string& endpoint);
    void connect(const std::string& endpoint);
    // What bind made of a wildcard: "tcp://127.0.0.1:41234".
    std::string last_endpoint() const;

    // The next frame, if one is there; `more` tells that it is not the last of its message.
    bool receive(Frame& into, bool& more);
    // Takes and drops what is left of the current message; to be called while `more`.
    void skip_rest();
    [[nodiscard]] Sent send(Frame frame, More more = More::no);

    // For a poll set. libzmq's descriptor becomes readable once for each news, and any call on the
    // socket may take that news in, a send as well. So wait for it only while the socket is quiet:
    // nothing is there to receive, and nobody has used it since that was seen.
    int fd() const noexcept { return fd_; }
    bool is_quiet();

    void* raw() const noexcept { return socket_; }

  private:
    void* socket_;
    int fd_ = -1;
    bool quiet_ = false;
};

// What a ROUTER receives: who, and one body frame, behind an empty one from a REQ.
struct Received {
    Frame routing_id;
    Frame body;
    bool delimited = false;  // answer with an empty frame in front
    bool malformed = false;  // not one body frame; there is nothing in `body`
};
// false: nothing is there now, and all that arrived before this call has been read.
bool receive_message(Socket& router, Received& into);
// At most limits::turn_frames_per_socket of them. True: all that had arrived has been read.
template <class OnMessage>
bool receive_messages(Socket& router, OnMessage on_message) {
    Received message;
    for (std::size_t i = 0; i < limits::turn_frames_per_socket; ++i) {
        if (!receive_message(router, message)) return true;
        on_message(std::move(message));
    }
    return false;
}

[[nodiscard]] Sent send_message(Socket& router, std::string_view routing_id, bool delimited,
                                Frame body);

}  // namespace bus::io
