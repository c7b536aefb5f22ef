// When a peer's address is dialled again, against a socket that encrypts as a peer does.
#include "io/link_dialler.h"

#include <doctest/doctest.h>

#include <array>

namespace bus::io {
namespace {

using namespace std::chrono_literals;

LinkKeys fresh_keys() {
    std::array<char, 41> public_key{}, secret_key{};
    REQUIRE(zmq_curve_keypair(public_key.data(), secret_key.data()) == 0);
    return {.public_key = public_key.data(), .secret_key = secret_key.data()};
}

core::Settings settings(const std::string& peer_key) {
    core::Settings made{.agent = AgentId{{1, 1}}, .name = "near", .peers = {}, .rules = {}};
    made.peers.push_back({.name = "far", .keys = {peer_key}, .may = std::nullopt});
    return made;
}

struct Dialling {
    Dialling() {
        listener.set(ZMQ_CURVE_SERVER, 1);
        listener.set(ZMQ_CURVE_SECRETKEY, std::string_view{far.secret_key});
        listener.bind("tcp://127.0.0.1:*");
        dialler.emplace(
            context,
            DialTarget{.name = "far",
                       .key = far.public_key,
                       .address = parse_tcp(listener.last_endpoint()).value()},
            near, resolver, 1, [this] { return link = core::LinkId{link.value + 1}; }, live, told);
    }
    // Dials and completes the handshake.
    void connect() {
        dialler->advance(now);
        while (dialler->next_deadline() != never) {
            PollSet poll;
            dialler->add_to(poll);
            poll.wait(now, now + 5s);
            dialler->receive_into(exchange, poll, now);
            REQUIRE(told.events.empty());
        }
    }

    const LinkKeys near = fresh_keys(), far = fresh_keys();
    Time now{100s};
    core::LinkId link{7};
    Context context;
    Resolver resolver;
    LiveLinks live;
    Told told;
    Socket listener{context, ZMQ_ROUTER};
    core::Exchange exchange{settings(far.public_key), 1'000, {}, now, 1'700'000'000'000'000};
    std::optional<LinkDialler> dialler;
};

TEST_CASE("a link that was closed is dialled again after the back-off") {
    Dialling story;
    story.connect();
    CHECK(story.live.has(story.far.public_key));
    story.dialler->close(story.link, false, story.now);
    CHECK_FALSE(story.live.has(story.far.public_key));
    CHECK(story.dialler->next_deadline() <= story.now + 250ms);
    story.now += 250ms;
    story.connect();
    CHECK(story.live.has(story.far.public_key));
}

TEST_CASE("a parked dialler dials when the peer has no other link, and not before 30 s") {
    Dialling story;
    story.connect();
    story.live.begin(story.far.public_key);  // the peer has dialled as well
    story.dialler->close(story.link, true, story.now);
    CHECK(story.dialler->next_deadline() == never);
    story.dialler->advance(story.now + 1h);
    CHECK(story.dialler->next_deadline() == never);
    story.live.end(story.far.public_key);
    CHECK(story.dialler->next_deadline() == story.now + 30s);
}

TEST_CASE("a reload ends the wait of a parked dialler, unless the peer has another link") {
    Dialling story;
    story.connect();
    story.dialler->close(story.link, true, story.now);
    CHECK(story.dialler->next_deadline() == story.now + 30s);
    story.dialler->end_parking(story.now);
    CHECK(story.dialler->next_deadline() == story.now);
    story.live.begin(story.far.public_key);
    CHECK(story.dialler->next_deadline() == never);
}

}  // namespace
}  // namespace bus::io
