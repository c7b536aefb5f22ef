// The raw pipe: producer -ipc-> dialler -tcp, CURVE-> listener -ipc-> consumer, or
// producer -ipc-> relay -ipc-> consumer, and acknowledgements back the same way. It promises
// nothing, keeps nothing and looks at nothing: the most that libzmq can do with the same frames.
#include <poll.h>

#include <cstring>
#include <span>
#include <vector>
#include <zmq.hpp>

#include "bench/curve_keys.h"
#include "bench/dialogue.h"
#include "bench/pace.h"
#include "bench/raw_frame.h"
#include "bench/raw_socket.h"
#include "bench/role.h"
#include "bench/tally.h"

namespace bus::bench {
namespace {

constexpr int forward_at_once = 64;
// Unacknowledged at the most: full batches, single messages. More brings no more throughput.
constexpr std::uint64_t frames_in_flight = 16;
constexpr std::uint64_t single_frames_in_flight = 1024;

// ---- The two in the middle

void forward(zmq::socket_t& from, zmq::socket_t& to) {
    zmq::message_t frame;
    for (int i = 0; i < forward_at_once && from.recv(frame, zmq::recv_flags::dontwait); ++i)
        to.send(frame, zmq::send_flags::none);
}

void forward_until_told(zmq::socket_t& one, zmq::socket_t& other) {
    say("ready");
    for (;;) {
        zmq::pollitem_t items[3] = {{one.handle(), 0, ZMQ_POLLIN, 0},
                                    {other.handle(), 0, ZMQ_POLLIN, 0},
                                    {nullptr, 0, ZMQ_POLLIN, 0}};
        zmq::poll(items, 3, std::chrono::milliseconds{-1});
        if (items[0].revents & ZMQ_POLLIN) forward(one, other);
        if (items[1].revents & ZMQ_POLLIN) forward(other, one);
        if (items[2].revents != 0) return;
    }
}

// ---- The two ends

class RawProducer {
  public:
    explicit RawProducer(const Role& role) : role_(role) { socket_.connect(role.local); }

    void probe() { send({.index = probe_index}, sizeof(Stamp), 1); }

    // A paced run sends messages one by one, as libbus does when nothing waits.
    Sent carry_out(const Run& run) {
        const bool single = role_.single || run.rate > 0;
        const RawFrames frames = raw_frames(role_.size, single);
        const std::uint64_t in_flight =
            (single ? single_frames_in_flight : frames_in_flight) * frames.bytes.size();
        Pace pace{run};
        while (pace.wait(frames.messages))
            for (const std::uint64_t bytes : frames.bytes)
                send({.index = total_++, .intended_nanos = pace.intended_nanos()}, bytes,
                     in_flight);
        const std::int64_t last = now_nanos();
        await_room(1);
        return {.messages = pace.messages(),
                .total = total_,
                .first_nanos = pace.first_nanos(),
                .last_nanos = last,
                .safe_nanos = now_nanos()};
    }

  private:
    void send(const Stamp& stamp, std::uint64_t bytes, std::uint64_t in_flight) {
        await_room(in_flight);
        frame_.resize(bytes);
        std::memcpy(frame_.data(), &stamp, sizeof stamp);
        socket_.send(zmq::buffer(frame_), zmq::send_flags::none);
        ++sent_;
    }
    // Until less than `in_flight` frames are unacknowledged.
    void await_room(std::uint64_t in_flight) {
        zmq::message_t ack;
        auto flags = zmq::recv_flags::dontwait;
        for (;;) {
            while (socket_.recv(ack, flags)) {
                std::memcpy(&acknowledged_, ack.data(), sizeof acknowledged_);
                flags = zmq::recv_flags::dontwait;
            }
            if (sent_ - acknowledged_ < in_flight) return;
            flags = zmq::recv_flags::none;
        }
    }

    const Role role_;
    zmq::context_t context_;
    zmq::socket_t socket_ = raw_dealer(context_);
    std::vector<std::byte> frame_;
    std::uint64_t sent_ = 0, acknowledged_ = 0, total_ = 0;  // total_: without the probe
};

class RawConsumer {
  public:
    explicit RawConsumer(const Role& role) { socket_.connect(role.local); }

    // Takes what is there; after the turn acknowledges it all.
    void receive() {
        zmq::message_t frame;
        bool any = false;
        for (int i = 0; i < forward_at_once && socket_.recv(frame, zmq::recv_flags::dontwait);
             ++i) {
            take(frame);
            any = true;
        }
        if (!any) return;
        result_.last_nanos = now_nanos();
        socket_.send(zmq::buffer(&frames_, sizeof frames_), zmq::send_flags::none);
    }
    bool has(std::uint64_t total) const { return tally_.distinct() >= total; }
    Received result() {
        result_.distinct = tally_.distinct();
        result_.duplicates = tally_.duplicates();
        Received all = std::move(result_);
        result_ = {.last_nanos = all.last_nanos};
        return all;
    }
    zmq::socket_t& socket() { return socket_; }

  private:
    void take(const zmq::message_t& frame) {
        Stamp stamp;
        std::memcpy(&stamp, frame.data(), sizeof stamp);
        ++frames_;
        if (stamp.index == probe_index) return say("probe");
        if (stamp.intended_nanos > 0) result_.latency.record(now_nanos() - stamp.intended_nanos);
        tally_.count(stamp.index);
    }

    zmq::context_t context_;
    zmq::socket_t socket_ = raw_dealer(context_);
    std::uint64_t frames_ = 0;
    Tally tally_;
    Received result_;
};

// One Expect answered; false: standard input has ended.
bool answer_one(RawConsumer& consumer) {
    while (!raw_input_waits(consumer.socket(), std::chrono::milliseconds{-1})) consumer.receive();
    const auto line = hear();
    if (!line) return false;
    const Expect expect = expect_from(*line);
    const auto patience = std::chrono::seconds{expect.patience_seconds};
    while (!consumer.has(expect.total)) {
        zmq::pollitem_t item{consumer.socket().handle(), 0, ZMQ_POLLIN, 0};
        if (zmq::poll(&item, 1, patience) == 0) break;
        consumer.receive();
    }
    say(to_line(consumer.result()));
    return true;
}

}  // namespace

void run_raw_dialler(const Role& role) {
    zmq::context_t context;
    zmq::socket_t local = raw_dealer(context), link = raw_dealer(context);
    const CurveKeys own = curve_keys();
    local.bind(role.local);
    link.set(zmq::sockopt::curve_serverkey, role.public_key);
    link.set(zmq::sockopt::curve_publickey, own.public_key);
    link.set(zmq::sockopt::curve_secretkey, own.secret_key);
    link.connect(role.link);
    forward_until_told(local, link);
}

void run_raw_listener(const Role& role) {
    zmq::context_t context;
    zmq::socket_t local = raw_dealer(context), link = raw_dealer(context);
    local.bind(role.local);
    link.set(zmq::sockopt::curve_server, true);
    link.set(zmq::sockopt::curve_secretkey, role.secret_key);
    link.bind(role.link);
    forward_until_told(local, link);
}

// Alone in the middle.
void run_raw_relay(const Role& role) {
    zmq::context_t context;
    zmq::socket_t from = raw_dealer(context), to = raw_dealer(context);
    from.bind(role.local);
    to.bind(role.link);
    forward_until_told(from, to);
}

void run_raw_producer(const Role& role) {
    RawProducer producer{role};
    producer.probe();
    say("ready");
    while (const auto line = hear()) say(to_line(producer.carry_out(run_from(*line))));
}

void run_raw_consumer(const Role& role) {
    RawConsumer consumer{role};
    say("ready");
    while (answer_one(consumer)) {
    }
}

}  // namespace bus::bench
