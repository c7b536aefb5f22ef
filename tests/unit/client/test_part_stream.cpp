#include <doctest/doctest.h>

#include <string>

#include "client/part_stream.h"
#include "session/producer_session.h"

using namespace bus;
using namespace bus::client;
using namespace std::chrono_literals;
using session::limits::part_bytes;

namespace {

// A message of some parts as an agent hands them out, tags from 100 on.
struct Film {
    std::string payload;
    std::vector<std::vector<std::byte>> frames;

    explicit Film(std::size_t bytes) : payload(bytes, ' ') {
        for (std::size_t i = 0; i < bytes; ++i) payload[i] = static_cast<char>('a' + i % 23);
        session::FramePool pool{1 << 20};
        session::ProducerSession producer{{.producer = ProducerId{{1, 2}}}, pool};
        producer.on_welcome({.name = "paris", .incarnation = 5, .window = 4 << 20}, Time{1s});
        auto large =
            session::ProducerSession::cut({.channel = "film", .payload = as_bytes(payload)});
        while (!large->finished()) {
            REQUIRE(producer.offer_part(*large, {Time{1s}, 7}) == session::Offer::taken);
            const auto frame = producer.take(Time{1s});
            REQUIRE(frame);
            frames.emplace_back(frame->bytes().begin(), frame->bytes().end());
        }
    }
    PartStream::Part part(std::uint32_t index, std::uint64_t tag) const {
        PartStream::Part part{.frame = zmq::message_t{frames[index].data(), frames[index].size()},
                              .tag = tag,
                              .place = {.first_sequence = 1,
                                        .index = index,
                                        .total = static_cast<std::uint32_t>(frames.size()),
                                        .total_bytes = payload.size()}};
        return part;
    }
    PartStream::Part part(std::uint32_t index) const { return part(index, 100 + index); }
    PartStream::Part abort(std::uint32_t index) const {
        PartStream::Part part = this->part(index, 500);
        part.is_abort = true;
        return part;
    }
};

std::string read_some(PartStream& stream, std::size_t bytes, PartStream::Acks& acks) {
    std::string into(bytes, '\0');
    const auto got = stream.read(std::as_writable_bytes(std::span{into}), acks);
    into.resize(got.value_or(0));
    return into;
}

std::vector<std::uint64_t> tags_of(const PartStream::Acks& acks) {
    std::vector<std::uint64_t> tags;
    for (const auto& ack : acks) tags.push_back(ack.tag);
    return tags;
}

StreamError::Why why_of(PartStream& stream) {
    try {
        PartStream::Acks acks;
        static_cast<void>(read_some(stream, 10, acks));
    } catch (const StreamError& error) {
        return error.why();
    }
    return StreamError::Why::timed_out;
}

using Tags = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE(
    "what comes in parts is read in pieces of any size, and each part is acknowledged once "
    "the next is begun with") {
    const Film film{2 * part_bytes + 100};
    PartStream stream;
    PartStream::Acks acks;
    CHECK(stream.push(film.part(0)).empty());
    CHECK(stream.size() == film.payload.size());
    std::string read = read_some(stream, 1'000, acks);
    CHECK(read.size() == 1'000);
    read += read_some(stream, part_bytes, acks);
    CHECK(read.size() == part_bytes);
    CHECK(acks.empty());
    CHECK_FALSE(stream.has_news());
    PartStream::Acks none;
    char byte = 0;
    CHECK_FALSE(stream.read(std::as_writable_bytes(std::span{&byte, 1}), none));  // nothing yet
    static_cast<void>(stream.push(film.part(1)));
    static_cast<void>(stream.push(film.part(2)));
    read += read_some(stream, 2 * part_bytes, acks);
    CHECK(read == film.payload);
    CHECK(tags_of(acks) == Tags{100, 101});
    CHECK(stream.read(std::as_writable_bytes(std::span{&byte, 1}), acks) == 0u);
    CHECK_FALSE(stream.is_over());
    CHECK(tags_of(stream.decide({})) == Tags{102});
    CHECK(stream.is_over());
    CHECK(stream.decide({}).empty());
}

TEST_CASE("what is acknowledged before its end is dropped as it comes, and acknowledged") {
    const Film film{3 * part_bytes};
    PartStream stream;
    static_cast<void>(stream.push(film.part(0)));
    static_cast<void>(stream.push(film.part(1)));
    CHECK(tags_of(stream.decide({})) == Tags{100, 101});
    CHECK_FALSE(stream.is_over());
    CHECK(tags_of(stream.push(film.part(2))) == Tags{102});
    CHECK(stream.is_over());
}

TEST_CASE("a nack says of one part that all come again, and what still comes is dropped") {
    const Film film{3 * part_bytes};
    PartStream stream;
    static_cast<void>(stream.push(film.part(0)));
    static_cast<void>(stream.push(film.part(1)));
    const auto acks = stream.decide({.verdict = wire::Verdict::nack, .delay_millis = 70});
    REQUIRE(acks.size() == 1);
    CHECK(acks.front().tag == 100);
    CHECK(acks.front().verdict == wire::Verdict::nack);
    CHECK(acks.front().delay_millis == 70);
    CHECK(stream.push(film.part(2)).empty());
}

TEST_CASE("parts that a crash sent again are acknowledged, and read once") {
    const Film film{3 * part_bytes};
    PartStream stream;
    PartStream::Acks acks;
    static_cast<void>(stream.push(film.part(0)));
    static_cast<void>(stream.push(film.part(1)));
    CHECK(tags_of(stream.push(film.part(0, 200))) == Tags{200});
    CHECK(tags_of(stream.push(film.part(1, 201))) == Tags{201});
    static_cast<void>(stream.push(film.part(2)));
    CHECK(read_some(stream, film.payload.size(), acks) == film.payload);
}

TEST_CASE("a message that its sender gives up ends for its reader, acknowledged") {
    const Film film{3 * part_bytes};
    PartStream stream;
    static_cast<void>(stream.push(film.part(0)));
    static_cast<void>(stream.push(film.part(1)));
    CHECK(tags_of(stream.push(film.abort(2))) == Tags{500, 100, 101});
    CHECK(why_of(stream) == StreamError::Why::given_up);
    CHECK(stream.is_over());
    CHECK(stream.decide({}).empty());
}

TEST_CASE("a damaged part ends the message, rejected") {
    Film film{2 * part_bytes};
    film.frames[1].back() ^= std::byte{1};
    PartStream stream;
    PartStream::Acks acks;
    static_cast<void>(stream.push(film.part(0)));
    static_cast<void>(stream.push(film.part(1)));
    CHECK_THROWS_AS(static_cast<void>(read_some(stream, film.payload.size(), acks)), StreamError);
    REQUIRE(acks.size() == 2);
    CHECK(acks.back().tag == 101);
    CHECK(acks.back().verdict == wire::Verdict::reject);
    CHECK(why_of(stream) == StreamError::Why::damaged);
}

TEST_CASE("a part that is missing ends the message, rejected") {
    const Film film{3 * part_bytes};
    PartStream stream;
    static_cast<void>(stream.push(film.part(0)));
    const auto acks = stream.push(film.part(2));
    REQUIRE(acks.size() == 1);
    CHECK(acks.front().verdict == wire::Verdict::reject);
    CHECK(why_of(stream) == StreamError::Why::damaged);
}

TEST_CASE("the end of the session ends the message for its reader") {
    const Film film{3 * part_bytes};
    PartStream stream;
    static_cast<void>(stream.push(film.part(0)));
    stream.end(StreamError::Why::interrupted, "the agent was away");
    CHECK(stream.has_news());
    CHECK(why_of(stream) == StreamError::Why::interrupted);
    CHECK(stream.decide({}).empty());
}
