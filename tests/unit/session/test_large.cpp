#include "producing.h"
#include "session/unpacker.h"

using namespace bus;
using namespace bus::session;
using namespace bus::session::test;

namespace {

std::string payload_of(std::size_t parts) {
    std::string payload(parts * limits::part_bytes - 7, ' ');
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>('a' + i % 23);
    return payload;
}

// Offers parts as room comes, the agent taking everything; what has left, in order.
std::vector<Left> offer_all(Producing& app, LargeMessage& large) {
    std::vector<Left> left;
    while (!large.finished()) {
        while (!large.finished() && app.session.offer_part(large, {app.now, 7}) == Offer::taken) {
        }
        for (auto& frame : app.take_all()) left.push_back(std::move(frame));
        if (!left.empty()) app.safe_through(left.back().envelope.number);
    }
    for (auto& frame : app.take_all()) left.push_back(std::move(frame));
    return left;
}

Frame as_delivery(const Left& left, std::uint64_t tag) {
    Frame frame = left.frame;
    wire::Envelope envelope = left.envelope;
    envelope.number = tag;
    envelope.attempt = 1;
    wire::encode_envelope(envelope, frame.data());
    return frame;
}

}  // namespace

TEST_CASE("a large message is cut into parts, and comes out whole") {
    Producing app;
    app.welcome();
    const std::string payload = payload_of(40);
    std::vector<std::byte> headers;
    wire::append_header(headers, "content-type", "text/plain");
    Outgoing message{.kind = wire::Kind::queue,
                     .channel = "film",
                     .headers = headers,
                     .payload = as_bytes(payload)};
    REQUIRE(ProducerSession::needs_parts(message));
    auto large = ProducerSession::cut(message);
    REQUIRE(large);
    const auto left = offer_all(app, *large);
    REQUIRE(left.size() == 40);
    for (std::uint32_t i = 0; i < 40; ++i) {
        REQUIRE(left[i].header.part);
        CHECK(left[i].header.part->index == i);
        CHECK(left[i].header.part->first_sequence == 1);
        CHECK(left[i].header.part->total_bytes == payload.size());
        CHECK(left[i].frame.bytes().size() <= wire::frame_bytes_max);
    }

    Unpacker unpacker;
    std::optional<Received> whole;
    std::vector<Frame> kept;
    for (std::size_t i = 0; i < left.size(); ++i) {
        kept.push_back(as_delivery(left[i], 100 + i));
        REQUIRE(unpacker.begin(kept.back().bytes()));
        auto* const received = unpacker.next();
        CHECK((received != nullptr) == (i + 1 == left.size()));
        if (received) whole = std::move(*received);
        if (whole) CHECK_FALSE(unpacker.next());
    }
    REQUIRE(whole);
    CHECK(as_text(whole->payload) == payload);
    CHECK(wire::find_header(whole->headers, "content-type") == "text/plain");
    CHECK(whole->sequence == 1);
    CHECK(whole->joined->pieces.size() == 40);
    CHECK(whole->joined->pieces.front().tag == 100);
    CHECK_FALSE(unpacker.has_rulings());
}

TEST_CASE("while a large message is unfinished its channel takes nothing else, others do") {
    Producing app;
    const std::string payload = payload_of(3);
    auto large = ProducerSession::cut({.channel = "a", .payload = as_bytes(payload)});
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    CHECK(app.offer("a", "x") == Offer::would_block);
    CHECK(app.offer("b", "x") == Offer::taken);
    while (!large->finished())
        REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    CHECK(app.offer("a", "x") == Offer::taken);
}

TEST_CASE("HOLD spares the rest of a large message that has begun to leave") {
    Producing app;
    app.welcome();
    const std::string payload = payload_of(3);
    auto large = ProducerSession::cut({.channel = "a", .payload = as_bytes(payload)});
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    REQUIRE(app.take());
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    app.session.on_hold(channel("a"));
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    CHECK(app.take_all().size() == 2);
    static_cast<void>(app.offer("a", "behind it"));
    app.now += 1ms;
    CHECK_FALSE(app.take());
}

TEST_CASE("a large message cut short after its beginning has left is followed by an ABORT") {
    Producing app;
    app.welcome();
    const std::string payload = payload_of(3);
    auto large = ProducerSession::cut({.channel = "a", .payload = as_bytes(payload)});
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    const auto first = app.take();
    app.session.abandon(*large, {app.now, 7});
    const auto last = app.take();
    REQUIRE(last);
    CHECK((last->header.flags & wire::batch_flag::abort) != 0);
    CHECK(last->header.part->first_sequence == 1);

    Unpacker unpacker;
    const Frame part = as_delivery(*first, 5), abort = as_delivery(*last, 6);
    REQUIRE(unpacker.begin(part.bytes()));
    CHECK_FALSE(unpacker.next());
    REQUIRE(unpacker.begin(abort.bytes()));
    CHECK_FALSE(unpacker.next());
    const auto rulings = unpacker.take_rulings();
    REQUIRE(rulings.size() == 2);
    for (const auto& ruling : rulings) CHECK(ruling.verdict == wire::Verdict::ack);
    app.safe_through(2);
    CHECK(app.session.unsafe_messages() == 0);
    CHECK(app.offer("a", "next") == Offer::taken);
}

TEST_CASE("a large message cut short before anything has left leaves nothing behind") {
    Producing app;
    const std::string payload = payload_of(3);
    auto large = ProducerSession::cut({.channel = "a", .payload = as_bytes(payload)});
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    app.session.abandon(*large, {app.now, 7});
    app.welcome();
    CHECK_FALSE(app.take());
    CHECK(app.session.outbox_bytes() == 0);
    CHECK(app.session.unsafe_messages() == 0);
    CHECK(app.session.take_undelivered().empty());
}

TEST_CASE("a large message expires as a whole, by its first part") {
    Producing app;
    const std::string payload = payload_of(3);
    auto large =
        ProducerSession::cut({.channel = "a", .ttl_millis = 10, .payload = as_bytes(payload)});
    while (!large->finished())
        REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);

    SUBCASE("before anything left: all of it goes") {
        app.now += 11ms;
        app.session.advance(app.now);
        app.welcome();
        CHECK_FALSE(app.take());
        CHECK(app.session.take_undelivered().size() == 3);
        CHECK(app.session.outbox_bytes() == 0);
    }
    SUBCASE("once the beginning has left: the rest follows") {
        app.welcome();
        REQUIRE(app.take());
        app.now += 11ms;
        app.session.advance(app.now);
        CHECK(app.take_all().size() == 2);
    }
}

TEST_CASE("a message above the largest is not cut at all") {
    static const char nothing = 0;
    const Bytes huge{reinterpret_cast<const std::byte*>(&nothing), wire::message_bytes_max + 1};
    CHECK_FALSE(ProducerSession::cut({.channel = "a", .payload = huge}));
}

TEST_CASE(
    "a hello says which large messages are unfinished, and whether their last part has left") {
    Producing app;
    app.welcome();
    const std::string payload = payload_of(4);
    auto large = ProducerSession::cut({.channel = "a", .payload = as_bytes(payload)});
    REQUIRE(large);
    CHECK(app.session.hello("x").unfinished->empty());
    for (int i = 0; i < 2; ++i)
        REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    auto left = app.take_all();
    using Unfinished = std::vector<wire::UnfinishedMessage>;
    CHECK(app.session.unfinished() == Unfinished{{1, 0}});
    while (!large->finished())
        REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    left = app.take_all();
    CHECK(app.session.unfinished() == Unfinished{{1, left.back().envelope.number}});
    app.safe_through(left.back().envelope.number);
    CHECK(app.session.unfinished().empty());
}

TEST_CASE("an announced message is the same as one that is there whole") {
    Producing app;
    app.welcome();
    const std::string payload = payload_of(3);
    auto large = ProducerSession::announce({.channel = "film"}, payload.size());
    REQUIRE(large);
    std::vector<Left> left;
    for (std::size_t from = 0; !large->finished();) {
        const Bytes piece = as_bytes(payload).subspan(from, large->next_bytes());
        from += piece.size();
        REQUIRE(app.session.offer_part(*large, piece, {app.now, 7}) == Offer::taken);
        for (auto& frame : app.take_all()) left.push_back(std::move(frame));
    }
    REQUIRE(left.size() == 3);
    CHECK(left.back().header.part->total_bytes == payload.size());
    std::string joined;
    for (const auto& one : left) joined += one.payloads.front();
    CHECK(joined == payload);
    CHECK_FALSE(ProducerSession::announce({.channel = "film"}, wire::message_bytes_max + 1));
}

TEST_CASE("what waits to leave of a large message is counted, what has left is not") {
    Producing app;
    const std::string payload = payload_of(3);
    auto large = ProducerSession::cut({.channel = "a", .payload = as_bytes(payload)});
    CHECK(app.session.bytes_waiting(*large) == 0);
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    const auto one = app.session.bytes_waiting(*large);
    CHECK(one > limits::part_bytes);
    REQUIRE(app.offer("a", "not its") == Offer::would_block);
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    CHECK(app.session.bytes_waiting(*large) > 2 * limits::part_bytes);
    app.welcome();
    REQUIRE(app.take());
    CHECK(app.session.bytes_waiting(*large) < 2 * limits::part_bytes);
    REQUIRE(app.take());
    CHECK(app.session.bytes_waiting(*large) == 0);
}

TEST_CASE("a message larger than its consumer takes whole is rejected, and the reason says so") {
    Producing app;
    app.welcome();
    const std::string payload = payload_of(3);
    auto large = ProducerSession::cut({.channel = "film", .payload = as_bytes(payload)});
    Unpacker unpacker{{.whole_bytes_max = payload.size() - 1}};
    const auto left = offer_all(app, *large);
    for (std::size_t i = 0; i < left.size(); ++i) {
        const Frame frame = as_delivery(left[i], 100 + i);
        REQUIRE(unpacker.begin(frame.bytes()));
        CHECK_FALSE(unpacker.next());
    }
    const auto rulings = unpacker.take_rulings();
    REQUIRE(rulings.size() == 3);
    for (const auto& ruling : rulings) {
        CHECK(ruling.verdict == wire::Verdict::reject);
        CHECK(ruling.reason.find("read it part by part") != std::string::npos);
    }
    Unpacker larger{{.whole_bytes_max = payload.size()}};
    std::size_t came = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
        const Frame frame = as_delivery(left[i], 100 + i);
        REQUIRE(larger.begin(frame.bytes()));
        if (larger.next()) ++came;
        if (came > 0) CHECK_FALSE(larger.next());
    }
    CHECK(came == 1);
}

TEST_CASE("who reads part by part gets the first part, and misses nothing behind the last") {
    Producing app;
    app.welcome();
    const std::string payload = payload_of(3);
    auto large = ProducerSession::cut({.channel = "film", .payload = as_bytes(payload)});
    const auto parts = offer_all(app, *large);
    REQUIRE(app.offer("film", "behind it") == Offer::taken);
    app.now += 2ms;
    const auto behind = app.take();
    REQUIRE(behind);
    Unpacker unpacker{{.in_parts = true}};
    const Frame first = as_delivery(parts.front(), 100);
    REQUIRE(unpacker.begin(first.bytes()));
    const auto received = unpacker.next();
    REQUIRE(received);
    REQUIRE(received->first_part);
    CHECK(received->first_part->total_bytes == payload.size());
    CHECK_FALSE(unpacker.next());
    const Frame next = as_delivery(*behind, 103);
    REQUIRE(unpacker.begin(next.bytes()));
    const auto message = unpacker.next();
    REQUIRE(message);
    CHECK(message->missed == 0);
    CHECK_FALSE(message->redelivered);
}

TEST_CASE("who reads part by part misses nothing behind a message that was given up") {
    Producing app;
    app.welcome();
    const std::string payload = payload_of(3);
    auto large = ProducerSession::cut({.channel = "film", .payload = as_bytes(payload)});
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    const auto first = app.take();
    app.session.abandon(*large, {app.now, 7});
    const auto abort = app.take();
    REQUIRE(app.offer("film", "behind it") == Offer::taken);
    app.now += 2ms;
    const auto behind = app.take();
    REQUIRE(behind);
    Unpacker unpacker{{.in_parts = true}};
    const Frame frames[] = {as_delivery(*first, 1), as_delivery(*abort, 2),
                            as_delivery(*behind, 3)};
    for (const Frame& frame : frames) {
        REQUIRE(unpacker.begin(frame.bytes()));
        while (const auto received = unpacker.next()) {
            CHECK(received->missed == 0);
            CHECK_FALSE(received->redelivered);
        }
    }
}

TEST_CASE("who reads part by part misses nothing when a message is given up behind later ones") {
    Producing app;
    app.welcome();
    const std::string payload = payload_of(3);
    auto large = ProducerSession::cut({.channel = "film", .payload = as_bytes(payload)});
    REQUIRE(app.session.offer_part(*large, {app.now, 7}) == Offer::taken);
    const auto first = app.take();
    app.session.abandon(*large, {app.now, 7});
    const auto abort = app.take();
    std::vector<Left> behind;
    for (const char* text : {"1", "2", "3", "4"}) {
        REQUIRE(app.offer("film", text) == Offer::taken);
        app.now += 2ms;
        behind.push_back(*app.take());
    }
    Unpacker unpacker{{.in_parts = true}};
    // Read slowly: what stands behind the parts overtakes them.
    const Frame frames[] = {as_delivery(*first, 1), as_delivery(behind[0], 2),
                            as_delivery(behind[1], 3), as_delivery(*abort, 4),
                            as_delivery(behind[2], 5)};
    for (const Frame& frame : frames) {
        REQUIRE(unpacker.begin(frame.bytes()));
        while (const auto received = unpacker.next()) {
            CHECK(received->missed == 0);
            CHECK_FALSE(received->redelivered);
        }
    }
    SUBCASE("and what is late is late") {
        const Frame late = as_delivery(behind[1], 6);
        REQUIRE(unpacker.begin(late.bytes()));
        const auto received = unpacker.next();
        REQUIRE(received);
        CHECK(received->redelivered);
    }
}
