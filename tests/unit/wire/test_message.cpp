// What stands in a batch's body, and in a message's headers.
#include <doctest/doctest.h>

#include "support/sample_batch.h"
#include "wire/batch.h"

using namespace bus;
using namespace bus::wire;
using test::sample_batch;
using test::sample_header;

namespace {

std::vector<std::byte> headers(std::initializer_list<HeaderField> fields) {
    std::vector<std::byte> bytes;
    for (const auto& field : fields) append_header(bytes, field.key, field.value);
    return bytes;
}

Bytes body_of(const std::vector<std::byte>& batch) {
    return Bytes{batch}.subspan(decode_batch(batch)->header_length);
}

std::vector<std::string> payloads(Bytes body) {
    MessageWalk walk{body, 1, MessageWalk::Check::form};
    std::vector<std::string> found;
    while (const auto message = walk.next()) found.emplace_back(as_text(message->payload));
    CHECK_FALSE(walk.malformed());
    return found;
}

}  // namespace

TEST_CASE("a walk yields the messages in order, with their sequences and headers") {
    BatchHeader header = sample_header();
    header.sequence = 41;
    const auto batch = sample_batch({{"first", headers({{"key", "k1"}})}, {""}, {"third"}}, header);
    MessageWalk walk{body_of(batch), 41, MessageWalk::Check::checksum};
    const auto first = walk.next();
    REQUIRE(first);
    CHECK(first->sequence == 41);
    CHECK(first->intact);
    CHECK(as_text(first->payload) == "first");
    CHECK(find_header(first->headers, "key") == "k1");
    CHECK(first->encoded.size() == 10 + 8 + 5);
    const auto second = walk.next();
    REQUIRE(second);
    CHECK(second->payload.empty());
    CHECK(second->headers.empty());
    CHECK(second->sequence == 42);
    CHECK(as_text(walk.next()->payload) == "third");
    CHECK_FALSE(walk.next());
    CHECK_FALSE(walk.malformed());
}

TEST_CASE("any flipped bit in a message is seen by its checksum, or by its form") {
    const auto batch = sample_batch({{"payload", headers({{"key", "value"}})}});
    const auto body = body_of(batch);
    for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
        std::vector<std::byte> damaged(body.begin(), body.end());
        damaged[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
        MessageWalk walk{damaged, 1, MessageWalk::Check::checksum};
        const auto message = walk.next();
        CAPTURE(bit);
        CHECK((walk.malformed() || !message->intact));
    }
}

TEST_CASE("a message under another's sequence is not intact") {
    const auto batch = sample_batch({{"payload"}});
    MessageWalk walk{body_of(batch), 2, MessageWalk::Check::checksum};
    CHECK_FALSE(walk.next()->intact);
}

TEST_CASE("a form check looks at no checksum") {
    auto batch = sample_batch({{"payload"}});
    batch.back() ^= std::byte{1};
    MessageWalk walk{body_of(batch), 1, MessageWalk::Check::form};
    CHECK(walk.next()->intact);
}

TEST_CASE("a body cut inside a message is malformed, and the walk stays at its end") {
    const auto batch = sample_batch({{"one"}, {"two"}});
    const auto body = body_of(batch);
    for (std::size_t length = 1; length < body.size(); ++length) {
        if (length == 13) continue;  // a whole message
        MessageWalk walk{body.first(length), 1, MessageWalk::Check::form};
        while (walk.next()) continue;
        CAPTURE(length);
        CHECK(walk.malformed());
        CHECK_FALSE(walk.next());
    }
}

TEST_CASE("lengths that lie are malformed") {
    const auto patched = [](std::size_t at, auto value) {
        auto batch = sample_batch({{"payload"}});
        store(batch.data() + decode_batch(batch)->header_length + at, value);
        return is_well_formed(body_of(batch), 1);
    };
    CHECK(patched(0, std::uint32_t{9}));  // 2 and 7, as it was
    CHECK_FALSE(patched(0, std::uint32_t{0}));
    CHECK_FALSE(patched(0, std::uint32_t{1}));
    CHECK_FALSE(patched(0, std::uint32_t{8}));
    CHECK_FALSE(patched(0, std::uint32_t{10}));
    CHECK_FALSE(patched(0, std::uint32_t{0xFFFFFFFF}));
    CHECK_FALSE(patched(8, std::uint16_t{8}));
    CHECK_FALSE(patched(8, std::uint16_t{0xFFFF}));
}

TEST_CASE("a body is well-formed only with exactly its count") {
    const auto batch = sample_batch({{"one"}, {"two"}});
    CHECK(is_well_formed(body_of(batch), 2));
    CHECK_FALSE(is_well_formed(body_of(batch), 1));
    CHECK_FALSE(is_well_formed(body_of(batch), 3));
    CHECK(is_well_formed({}, 0));
}

TEST_CASE("a range is cut along the messages") {
    const auto batch = sample_batch({{"zero"}, {"one"}, {""}, {"three"}});
    const auto body = body_of(batch);
    using Texts = std::vector<std::string>;
    CHECK(payloads(cut_body(body, 0, 4)) == Texts{"zero", "one", "", "three"});
    CHECK(payloads(cut_body(body, 1, 2)) == Texts{"one", ""});
    CHECK(payloads(cut_body(body, 3, 1)) == Texts{"three"});
    CHECK(cut_body(body, 4, 0).empty());
    CHECK(cut_body(body, 0, 0).empty());
}

TEST_CASE("what is cut stays verifiable under its own sequences") {
    const auto batch = sample_batch({{"zero"}, {"one"}, {"two"}});
    MessageWalk walk{cut_body(body_of(batch), 1, 2), 1 + 1, MessageWalk::Check::checksum};
    CHECK(walk.next()->intact);
    CHECK(walk.next()->intact);
    CHECK_FALSE(walk.next());
}

TEST_CASE("sealing fills in what a simple client left out") {
    const auto sealed = sample_batch({{"one"}, {"two"}});
    BatchHeader header = sample_header();
    header.flags = batch_flag::unsealed;
    auto batch = sample_batch({{"one"}, {"two"}}, header);
    std::byte* body = batch.data() + decode_batch(batch)->header_length;
    store(body + 4, std::uint32_t{0});
    store(body + 13 + 4, std::uint32_t{0});
    CHECK(decode_batch(batch)->is_unsealed());
    seal(batch);
    CHECK(batch == sealed);
}

TEST_CASE("headers come back in order, and the first of a key counts") {
    const auto bytes = headers({{"key", "a"}, {"reply-to", ""}, {"key", "b"}});
    HeaderWalk walk{bytes};
    CHECK(walk.next()->key == "key");
    const auto empty = walk.next();
    CHECK(empty->key == "reply-to");
    CHECK(empty->value.empty());
    CHECK(walk.next()->value == "b");
    CHECK_FALSE(walk.next());
    CHECK(find_header(bytes, "key") == "a");
    CHECK_FALSE(find_header(bytes, "traceparent"));
    CHECK_FALSE(find_header({}, "key"));
}

TEST_CASE("headers cut short end the walk without a wrong field") {
    const auto bytes = headers({{"content-type", "text/plain"}});
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        HeaderWalk walk{Bytes{bytes}.first(length)};
        CAPTURE(length);
        CHECK_FALSE(walk.next());
    }
}
