// When a peer's address is dialled again, against a socket that encrypts as a peer does.
#include "io/link_dialler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "io/listening_socket.h"

namespace bus::io {
namespace {

using namespace std::chrono_literals;

LinkKeys fresh_keys() {
    std::array<char, 41> public_key{}, secret_key{};
    REQUIRE(zmq_curve_keypair(public_key.data(), secret_key.data()) == 0);
    return {.public_key = public_key.data(), .secret_key = secret_key.data()};
}

core::Settings settings(const std::vector<std::string>& peer_keys) {
    core::Settings made{.agent = AgentId{{1, 1}}, .name = "near", .peers = {}, .rules = {}};
    made.peers.push_back({.name = "far", .keys = peer_keys, .may = std::nullopt});
    return made;
}

// What a peer's agent does to be dialled. It lets every key in.
struct Listener {
    Listener(Context& context, const LinkKeys& keys, const std::string& at = "tcp://127.0.0.1:*")
        : socket(context, ZMQ_ROUTER) {
        socket.set(ZMQ_IPV6, 1);
        socket.set(ZMQ_CURVE_SERVER, 1);
        socket.set(ZMQ_CURVE_SECRETKEY, std::string_view{keys.secret_key});
        socket.bind(at);
    }
    TcpEndpoint address() const { return parse_tcp(socket.last_endpoint()).value(); }
    Socket socket;
};

// Nobody listens there.
TcpEndpoint dead_address() {
    return parse_tcp(ListeningSocket::open({.host = "127.0.0.1", .port = 0}, false).endpoint())
        .value();
}

struct Dialling {
    Dialling() {
        begin({.name = "far", .keys = {far.public_key}, .addresses = {listener.address()}});
    }
    explicit Dialling(LinkPeer far_away) { begin(std::move(far_away)); }
    void begin(LinkPeer wanted) {
        peer = std::move(wanted);
        exchange.emplace(settings(peer.keys), 1'000, core::Recovered{}, now, 1'700'000'000'000'000);
        dialler.emplace(
            context, peer, near, resolver, 1,
            [this] { return link = core::LinkId{link.value + 1}; }, live, told);
    }
    void retarget(const LinkPeer& changed) { dialler->retarget(changed, *exchange, now); }
    bool is_linked() const { return live.has_any(dialler->target().keys); }
    // One turn; time goes on to when the dialler has something to do, except during an attempt.
    void turn() {
        if (!busy) now = std::max(now, dialler->next_deadline());
        dialler->advance(now);
        PollSet poll;
        dialler->add_to(poll);
        poll.wait(now, now + 5s);
        const Time due = dialler->next_deadline();
        dialler->receive_into(*exchange, poll, now);
        busy = dialler->next_deadline() == due;
    }
    // Dials and completes the handshake.
    void connect() {
        do turn();
        while (!is_linked());
        busy = false;
    }

    const LinkKeys near = fresh_keys(), far = fresh_keys();
    Time now{100s};
    bool busy = false;  // an attempt is under way
    core::LinkId link{7};
    Context context;
    Resolver resolver;
    LiveLinks live;
    Told told;
    Listener listener{context, far};
    LinkPeer peer;
    std::optional<core::Exchange> exchange;
    std::optional<LinkDialler> dialler;
};

TEST_CASE("a link that was closed is dialled again after the back-off") {
    Dialling story;
    story.connect();
    CHECK(story.is_linked());
    story.dialler->close(story.link, false, story.now);
    CHECK_FALSE(story.is_linked());
    CHECK(story.dialler->next_deadline() <= story.now + 1s);
    story.connect();
    CHECK(story.is_linked());
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
    story.retarget(story.peer);
    CHECK(story.dialler->next_deadline() == story.now);
    story.live.begin(story.far.public_key);
    CHECK(story.dialler->next_deadline() == never);
}

TEST_CASE("addresses are tried in turn, and a link is made with the first that answers") {
    Dialling story;
    story.peer.addresses.insert(story.peer.addresses.begin(), dead_address());
    story.retarget(story.peer);
    story.connect();
    CHECK(story.told.events.empty());  // nothing has failed as long as one way is left
}

TEST_CASE("when every way has failed, all the reasons are told once") {
    const TcpEndpoint one = dead_address(), two = dead_address();
    Dialling story{{.name = "far", .keys = {fresh_keys().public_key}, .addresses = {one, two}}};
    while (story.told.events.empty()) story.turn();
    const std::string words = story.told.events.front().words;
    const std::string refused = ": refused at once (does an agent listen there?)";
    const std::string causes =
        "cannot reach " + one.text() + refused + "; cannot reach " + two.text() + refused;
    CHECK(words.find(causes + "; next attempt in ") == 0);
    for (int i = 0; i < 20; ++i) story.turn();
    CHECK(story.told.events.size() == 1);
    CHECK(story.told.failed_dials.size() > 1);  // the exchange knows when the last one was
    for (const auto& failed : story.told.failed_dials) {
        CHECK(failed.peer == "far");
        CHECK(failed.words == causes);
    }
}

TEST_CASE("a failed handshake is told with the place where it was") {
    Dialling story;
    story.peer.keys = {fresh_keys().public_key};
    story.retarget(story.peer);
    while (story.told.failed_dials.empty()) story.turn();
    CHECK(story.told.failed_dials.front().words.find(story.listener.address().text() +
                                                     " ended the handshake (is its key the ") == 0);
}

TEST_CASE("a peer's keys are tried in turn, and the one that it proved is told") {
    const std::string old = fresh_keys().public_key;
    Dialling story;
    story.peer.keys = {old, story.far.public_key};
    story.retarget(story.peer);
    story.connect();
    CHECK(story.live.has_any({story.far.public_key}));
    CHECK_FALSE(story.live.has_any({old}));
}

TEST_CASE("a link over IPv6 is made") {
    Dialling story;
    const Listener six{story.context, story.far, "tcp://[::1]:*"};
    REQUIRE(six.address().is_ipv6());
    story.peer.addresses = {six.address()};
    story.retarget(story.peer);
    story.connect();
    CHECK(story.is_linked());
}

TEST_CASE("a link stays when its key and its address are still the peer's") {
    Dialling story;
    story.connect();
    LinkPeer changed = story.peer;
    changed.name = "renamed";
    changed.keys.insert(changed.keys.begin(), fresh_keys().public_key);
    changed.addresses.insert(changed.addresses.begin(), dead_address());
    story.retarget(changed);
    CHECK(story.is_linked());
    CHECK(story.dialler->next_deadline() == never);
    CHECK(story.dialler->target() == changed);
}

TEST_CASE("a link ends when its key or its address is not the peer's any more") {
    LinkPeer other_key, other_address;
    other_key.keys = {fresh_keys().public_key};
    other_address.addresses = {dead_address()};
    for (const LinkPeer& change : {other_key, other_address}) {
        Dialling story;
        story.connect();
        LinkPeer changed = story.peer;
        if (!change.keys.empty()) changed.keys = change.keys;
        if (!change.addresses.empty()) changed.addresses = change.addresses;
        story.retarget(changed);
        CHECK_FALSE(story.live.has_any({story.far.public_key}));
        CHECK(story.dialler->next_deadline() == story.now);  // in the new way, at once
    }
}

TEST_CASE("an agent with a new key makes its links anew") {
    Dialling story;
    story.connect();
    story.dialler->use_own_keys(fresh_keys(), *story.exchange, story.now);
    CHECK_FALSE(story.is_linked());
    story.connect();
    CHECK(story.is_linked());
}

}  // namespace
}  // namespace bus::io
