// An agent that only speaks: a ROUTER on a private bus.sock (and admin.sock),
// driven step by step by the test. It waits for frames, never for time.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <zmq.hpp>

#include "wire/batch.h"
#include "wire/envelope.h"
#include "wire/local.h"

namespace bus::client::test {

inline constexpr int patience_millis = 10'000;

class Runtime {
  public:
    Runtime() {
        char name[] = "/tmp/libbus-test-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path_ = name;
    }
    ~Runtime() { std::filesystem::remove_all(path_); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

struct Batch {
    std::vector<std::byte> bytes;  // without envelope
    wire::Envelope envelope;
    wire::BatchHeader header;
    std::vector<std::string> payloads;
};

class StubAgent {
  public:
    explicit StubAgent(const Runtime& runtime, const char* socket = "bus.sock")
        : socket_(context_, zmq::socket_type::router) {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.set(zmq::sockopt::rcvtimeo, patience_millis);
        socket_.set(zmq::sockopt::router_mandatory, true);
        socket_.bind("ipc://" + runtime.path() + "/" + socket);
    }

    // The next frame of whatever kind; the app it came from is the one that is answered.
    std::string next_frame() {
        zmq::message_t id, body;
        REQUIRE(socket_.recv(id));
        REQUIRE(socket_.recv(body));
        CHECK_FALSE(body.more());
        app_ = id.to_string();
        return body.to_string();
    }
    template <class Command>
    Command expect() {
        const auto command = wire::decode_command(next_frame());
        REQUIRE(command);
        REQUIRE(std::holds_alternative<Command>(*command));
        return std::get<Command>(*command);
    }
    Batch expect_batch() {
        const std::string frame = next_frame();
        const auto decoded = wire::decode_envelope(as_bytes(frame));
        REQUIRE(decoded);
        Batch batch{.bytes = {decoded->batch.begin(), decoded->batch.end()},
                    .envelope = decoded->envelope,
                    .header = {},
                    .payloads = {}};
        const auto header = wire::decode_batch(batch.bytes);
        REQUIRE(header);
        batch.header = *header;
        wire::MessageWalk walk{Bytes{batch.bytes}.subspan(header->header_length), header->sequence,
                               wire::MessageWalk::Check::checksum};
        while (const auto view = walk.next()) batch.payloads.emplace_back(as_text(view->payload));
        return batch;
    }
    std::vector<wire::Ack> expect_acks() {
        const std::string frame = next_frame();
        const auto acks = wire::decode_acks(as_bytes(frame));
        REQUIRE(acks);
        return *acks;
    }

    void send(std::string_view frame) {
        socket_.send(zmq::buffer(app_), zmq::send_flags::sndmore);
        socket_.send(zmq::buffer(frame));
    }
    void reply(const wire::Reply& m) { send(wire::encode_reply(m)); }
    void receipts(const wire::Receipts& m) { send(as_text(wire::encode_receipts(m))); }
    // Takes the hello and answers it.
    wire::Hello welcome(std::uint64_t incarnation = 1, std::uint64_t taken = 0,
                        std::uint64_t safe = 0) {
        auto hello = expect<wire::Hello>();
        reply(wire::Welcome{.agent = AgentId{{7, 7}},
                            .name = "paris",
                            .incarnation = incarnation,
                            .taken = taken,
                            .safe = safe,
                            .window = 1 << 20});
        return hello;
    }
    wire::Subscribe agree() {
        auto wish = expect<wire::Subscribe>();
        reply(wire::Subscribed{wish.id});
        return wish;
    }
    void deliver(Bytes batch, wire::Envelope envelope) {
        if (envelope.attempt == 0) envelope.attempt = 1;
        std::string frame(wire::envelope_length, '\0');
        wire::encode_envelope(envelope, reinterpret_cast<std::byte*>(frame.data()));
        frame += as_text(batch);
        send(frame);
    }

  private:
    zmq::context_t context_{1};
    zmq::socket_t socket_;
    std::string app_;
};

}  // namespace bus::client::test
