// A producer session with an agent's answers at hand, for stories about it.
#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "session/producer_session.h"
#include "wire/batch.h"
#include "wire/envelope.h"

namespace bus::session::test {

using namespace std::chrono_literals;

inline constexpr Time start{1'000s};

struct Left {
    Frame frame;
    wire::Envelope envelope;
    wire::BatchHeader header;  // its channel points into the frame
    std::vector<std::string> payloads;
};

inline Left look_into(Frame frame) {
    const auto decoded = wire::decode_envelope(frame.bytes());
    REQUIRE(decoded);
    const auto header = wire::decode_batch(decoded->batch);
    REQUIRE(header);
    Left left{.frame = frame, .envelope = decoded->envelope, .header = *header, .payloads = {}};
    wire::MessageWalk walk{decoded->batch.subspan(header->header_length), header->sequence,
                           wire::MessageWalk::Check::checksum};
    while (const auto view = walk.next()) {
        CHECK(view->intact);
        left.payloads.emplace_back(as_text(view->payload));
    }
    CHECK_FALSE(walk.malformed());
    return left;
}

struct Producing {
    explicit Producing(std::uint32_t batch_messages_max = 0)
        : session({.producer = ProducerId{{1, 2}},
                   .outbox_bytes = limits::outbox_bytes_min,
                   .batch_messages_max = batch_messages_max},
                  pool) {}

    Offer offer(std::string_view channel, std::string_view payload, Outgoing message = {}) {
        message.channel = channel;
        message.payload = as_bytes(payload);
        return session.offer(message, {now, 77});
    }
    Offer with_receipt(std::string_view channel, std::uint64_t receipt,
                       wire::Stage stage = wire::Stage::safe) {
        return offer(channel, "m", {.receipt = receipt, .stage = stage});
    }
    void welcome(std::uint64_t incarnation = 5, std::uint64_t taken = 0, std::uint64_t safe = 0,
                 std::uint64_t window = 4 * 1024 * 1024, std::vector<wire::HeldChannel> held = {}) {
        session.on_welcome({.name = "paris",
                            .incarnation = incarnation,
                            .taken = taken,
                            .safe = safe,
                            .window = window,
                            .held = std::move(held)},
                           now);
    }
    std::optional<Left> take() {
        auto frame = session.take(now);
        if (!frame) return std::nullopt;
        return look_into(std::move(*frame));
    }
    std::vector<Left> take_all() {
        std::vector<Left> all;
        while (auto left = take()) all.push_back(std::move(*left));
        return all;
    }
    void safe_through(std::uint64_t number) { session.on_receipts({.safe_through = number}); }

    FramePool pool{1024 * 1024};
    ProducerSession session;
    Time now = start;
};

inline std::vector<wire::HeldChannel> channel(std::string_view name) {
    return {{.kind = wire::Kind::topic, .filter = std::string{name}, .reason = "full"}};
}

}  // namespace bus::session::test
