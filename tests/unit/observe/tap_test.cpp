// Taps: each sees what it wants, as far as its ring has room, in answers that fit a frame.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "limits.h"
#include "observe/event_name.h"
#include "observe/tap.h"
#include "support/sample_batch.h"
#include "wire/bounds.h"

using namespace bus;
using namespace bus::observe;
using namespace std::chrono_literals;
using Json = nlohmann::json;
using Kind = core::Event::Kind;

namespace {

const AdminAnswer asker{.id = 7, .request = "tap_read"};
const Time start{100s};

core::Event step(Kind kind, const std::vector<test::SampleMessage>& messages = {{}}) {
    const auto batch = core::OwnedBatch::make(test::sample_batch(messages));
    REQUIRE(batch.has_value());
    core::Event event{.kind = kind,
                      .at = start,
                      .subject = "billing (uid 1000)",
                      .words = {},
                      .messages = messages.size(),
                      .batch = *batch};
    return event;
}
core::Event link_down(const std::string& peer) {
    return {.kind = Kind::link_down,
            .at = start,
            .subject = peer,
            .words = "lost",
            .messages = 0,
            .batch = {}};
}
Json read(Taps& taps, std::uint64_t id, Time now = start) {
    const auto text = taps.read(asker, id, now, 1'700'000'000'000'000);
    REQUIRE(text.has_value());
    CHECK(text->size() <= wire::control_bytes_max);
    return Json::parse(*text).at("tap_read");
}
std::size_t seen(const TapWish& wish, const core::Event& event) {
    Taps taps;
    const auto id = taps.open(wish, start);
    REQUIRE(id.has_value());
    taps.offer(event);
    return read(taps, *id).at("events").size();
}

}  // namespace

TEST_CASE("a tap sees what it asked for") {
    const auto sent = step(Kind::batch_sent);
    const std::string channel{sent.batch.header().channel};
    CHECK(seen({}, sent) == 1);
    CHECK(seen({.events = {Kind::batch_sent}}, sent) == 1);
    CHECK(seen({.events = {Kind::batch_safe}}, sent) == 0);
    CHECK(seen({.channels = core::ChannelFilter{{}, channel}}, sent) == 1);
    CHECK(seen({.channels = core::ChannelFilter{{}, "other.*"}}, sent) == 0);
    CHECK(seen({.who = "billing"}, sent) == 1);
    CHECK(seen({.who = "uid 1000"}, sent) == 1);
    CHECK(seen({.who = "bill"}, sent) == 0);
    CHECK(seen({.bytes_min = 1'000'000}, sent) == 0);
    CHECK(seen({.header_key = "tenant"}, sent) == 0);
    CHECK(seen({}, link_down("tokyo")) == 1);
    CHECK(seen({.who = "tokyo"}, link_down("tokyo")) == 1);
    CHECK(seen({.channels = core::ChannelFilter{{}, "**"}}, link_down("tokyo")) == 0);
}

TEST_CASE("one in so many is a sample") {
    Taps taps;
    const auto id = taps.open({.one_in = 10}, start);
    for (int n = 0; n < 100; ++n) taps.offer(step(Kind::batch_safe));
    CHECK(read(taps, *id).at("events").size() == 10);
}

TEST_CASE("who does not read loses the latest, counted, and is forgotten in the end") {
    Taps taps;
    const auto id = taps.open({}, start);
    const auto event = step(Kind::batch_safe);
    for (std::size_t n = 0; n < limits::tap_ring_events + 7; ++n) taps.offer(event);
    CHECK(taps.room() == 0);
    taps.missed(3);
    std::size_t events = 0;
    std::uint64_t missed = 0;
    for (bool more = true; more;) {
        const Json answer = read(taps, *id);
        events += answer.at("events").size();
        missed += answer.at("missed").get<std::uint64_t>();
        more = answer.at("more");
    }
    CHECK(events == limits::tap_ring_events);
    CHECK(missed == 10);
    CHECK(taps.forget_unread(start + limits::tap_unread_max) == 0);
    CHECK(taps.forget_unread(start + limits::tap_unread_max + 1s) == 1);
    CHECK_FALSE(taps.any());
    CHECK_FALSE(taps.read(asker, *id, start, 0).has_value());
}

TEST_CASE("there are only so many taps") {
    Taps taps;
    for (std::size_t n = 0; n < limits::taps_max; ++n) CHECK(taps.open({}, start).has_value());
    CHECK_FALSE(taps.open({}, start).has_value());
    CHECK(taps.close(1));
    CHECK(taps.open({}, start).has_value());
}

TEST_CASE("payloads are shown as far as they were asked for") {
    Taps taps;
    const auto id = taps.open({.contents = true, .snaplen = 3}, start);
    taps.offer(step(Kind::batch_taken, {{}, {}}));
    const Json event = read(taps, *id).at("events").at(0);
    CHECK(event.at("messages") == 2);
    REQUIRE(event.at("contents").size() == 2);
    const Json payload = event.at("contents").at(0).at("payload");
    CHECK(payload.value("text", std::string{}).size() <= 3);
}

TEST_CASE("every event has a name of its own") {
    for (auto kind = Kind::batch_taken;; kind = static_cast<Kind>(static_cast<int>(kind) + 1)) {
        CHECK(event_kind(to_text(kind)) == kind);
        if (kind == Kind::queue_attended) break;
    }
    CHECK_FALSE(event_kind("vanished").has_value());
}
