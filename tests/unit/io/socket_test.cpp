// What the rest of io relies on in this very libzmq.
#include "io/socket.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include "io/monitor.h"
#include "io/poll_set.h"
#include "wire/bounds.h"

namespace bus::io {
namespace {

using namespace std::chrono_literals;

void await(const Socket& socket) {
    zmq_pollitem_t item{socket.raw(), 0, ZMQ_POLLIN, 0};
    REQUIRE(zmq_poll(&item, 1, 5000) == 1);
}

void await(int fd) {
    zmq_pollitem_t item{nullptr, fd, ZMQ_POLLIN, 0};
    REQUIRE(zmq_poll(&item, 1, 5000) == 1);
}

struct Pair {
    Context context;
    std::string endpoint = "ipc:///tmp/bus-socket-test-" + std::to_string(::getpid());
    Socket router{context, ZMQ_ROUTER};
    Socket dealer{context, ZMQ_DEALER};
    Pair() {
        router.set(ZMQ_ROUTER_MANDATORY, 1);
        router.bind(endpoint);
        dealer.connect(endpoint);
    }
    Received next() {
        await(router);
        Received message;
        REQUIRE(receive_message(router, message));
        return message;
    }
};

TEST_CASE("a message is one frame, behind an empty one from a REQ; all else is malformed") {
    Pair pair;
    SUBCASE("one frame") {
        REQUIRE(pair.dealer.send(Frame::copy_of(as_bytes("hello"))) == Sent::taken);
        const Received message = pair.next();
        CHECK_FALSE(message.malformed);
        CHECK_FALSE(message.delimited);
        CHECK(as_text(message.body.bytes()) == "hello");
    }
    SUBCASE("an empty frame in front") {
        REQUIRE(pair.dealer.send(Frame{}, More::yes) == Sent::taken);
        REQUIRE(pair.dealer.send(Frame::copy_of(as_bytes("hello"))) == Sent::taken);
        const Received message = pair.next();
        CHECK_FALSE(message.malformed);
        CHECK(message.delimited);
        CHECK(as_text(message.body.bytes()) == "hello");
    }
    SUBCASE("three frames; the message after it is read from its beginning") {
        for (int i = 0; i < 3; ++i)
            REQUIRE(pair.dealer.send(Frame::copy_of(as_bytes("x")), i < 2 ? More::yes : More::no) ==
                    Sent::taken);
        REQUIRE(pair.dealer.send(Frame::copy_of(as_bytes("after"))) == Sent::taken);
        CHECK(pair.next().malformed);
        const Received after = pair.next();
        CHECK_FALSE(after.malformed);
        CHECK(as_text(after.body.bytes()) == "after");
    }
}

TEST_CASE("the kernel's word on the sender and its descriptor come with the body frame") {
    Pair pair;
    Monitor monitor{pair.context, pair.router};
    REQUIRE(pair.dealer.send(Frame::copy_of(as_bytes("hello"))) == Sent::taken);
    const Received message = pair.next();
    const std::string mine = std::to_string(::getuid()) + ":" + std::to_string(::getgid()) + ":" +
                             std::to_string(::getpid());
    CHECK(message.body.property("Peer-Address").ends_with(":" + mine));
    CHECK(message.body.property("Nothing").empty());
    CHECK(message.body.source_fd() >= 0);
}

TEST_CASE("a monitor tells a connection's begin and end by the descriptor of its frames") {
    Context context;
    const std::string endpoint = "ipc:///tmp/bus-monitor-test-" + std::to_string(::getpid());
    Socket router{context, ZMQ_ROUTER};
    Monitor monitor{context, router};
    router.bind(endpoint);
    int fd = -1;
    {
        Socket dealer{context, ZMQ_DEALER};
        dealer.connect(endpoint);
        REQUIRE(dealer.send(Frame::copy_of(as_bytes("hello"))) == Sent::taken);
        await(router);
        Received message;
        REQUIRE(receive_message(router, message));
        fd = message.body.source_fd();
    }
    std::vector<MonitorEvent> events;
    while (events.empty() || events.back().event != ZMQ_EVENT_DISCONNECTED) {
        await(monitor.fd());
        monitor.drain(events);
    }
    CHECK(events.front().event == ZMQ_EVENT_ACCEPTED);
    CHECK(events.front().value == fd);
    CHECK(events.back().value == fd);
}

TEST_CASE("a poll set sees what libzmq's descriptor has told before and tells no more") {
    Pair pair;
    REQUIRE(pair.dealer.send(Frame::copy_of(as_bytes("hello"))) == Sent::taken);
    // A send may take in what the descriptor told: first of the connection, then of the frame.
    do {
        await(pair.router.fd());
        CHECK(send_message(pair.router, "nobody", false, Frame{}) == Sent::gone);
    } while (pair.router.is_quiet());
    pollfd spent{.fd = pair.router.fd(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&spent, 1, 0) == 0);

    PollSet poll;
    const auto slot = poll.add(pair.router);
    poll.wait(Time{}, never);
    CHECK(poll.ready(slot));
    Received message;
    REQUIRE(receive_message(pair.router, message));
    poll.wait(Time{}, Time{});
    CHECK_FALSE(poll.ready(slot));
}

TEST_CASE("a poll set waits for a quiet socket by its descriptor") {
    Pair pair;
    PollSet poll;
    const auto slot = poll.add(pair.router);
    Received message;
    REQUIRE(pair.dealer.send(Frame::copy_of(as_bytes("hello"))) == Sent::taken);
    do poll.wait(Time{}, never);  // libzmq has news of its own, too
    while (!poll.ready(slot) || !receive_message(pair.router, message));
    CHECK(as_text(message.body.bytes()) == "hello");
}

TEST_CASE("a frame for nobody is a value, not a loss") {
    Pair pair;
    CHECK(send_message(pair.router, "nobody", false, Frame::copy_of(as_bytes("x"))) == Sent::gone);
}

TEST_CASE("a received frame owns exactly its bytes: no zero-copy receive") {
    Pair pair;
    REQUIRE(pair.dealer.send(Frame::copy_of(as_bytes(std::string(200, 'a')))) == Sent::taken);
    REQUIRE(pair.dealer.send(Frame::copy_of(as_bytes(std::string(200, 'b')))) == Sent::taken);
    const Received first = pair.next(), second = pair.next();
    // Out of one read buffer they would lie less than its 8 KiB apart, in the order of the wire.
    constexpr int zero_copy_recv = 10;
    CHECK(zmq_ctx_get(pair.context.raw(), zero_copy_recv) == 0);
    CHECK(as_text(first.body.bytes()) == std::string(200, 'a'));
    CHECK(as_text(second.body.bytes()) == std::string(200, 'b'));
}

TEST_CASE("a frame above the limit ends the connection before it is read") {
    Pair pair;
    std::int64_t unlimited = -1;
    REQUIRE(zmq_setsockopt(pair.dealer.raw(), ZMQ_MAXMSGSIZE, &unlimited, sizeof unlimited) == 0);
    Monitor monitor{pair.context, pair.router};
    REQUIRE(pair.dealer.send(Frame{wire::frame_bytes_max + 64}) == Sent::taken);
    std::vector<MonitorEvent> events;
    while (events.empty() || events.back().event != ZMQ_EVENT_DISCONNECTED) {
        await(monitor.fd());
        monitor.drain(events);
    }
    Received message;
    CHECK_FALSE(receive_message(pair.router, message));
}

}  // namespace
}  // namespace bus::io
