// An agent of the first protocol: its frames as they were recorded, without
// tickets, paths or anything that came later. It must find what it expects for
// as long as protocol 1 is spoken.
#include <doctest/doctest.h>

#include <string_view>

#include "hosts.h"

namespace bus::core::test {
namespace {

constexpr std::string_view recorded_hello =
    "1001180000000000341200000000000001000000000000000100010000000000"
    "887766554433221101000000000000000168e5cf8b0100000000000000000000"
    "000000000000000000004000000000000200000000000000036f6c6400000807"
    "0605040302010000000000000000";

constexpr std::string_view recorded_interest =
    "1201180000000000341200000000000002000000000000000202000000000000"
    "00010000000100010164000866726f6d2e6e6577";

constexpr std::string_view recorded_batch =
    "0101400000000000341200000000000003000000000000000100000000000000"
    "0000000000000000000000000100000000000000000000000000000000000000"
    "4255533101000100000058000100000007000000000000000700000000000000"
    "0100000000000000010000000000000000000000000000000000000000000000"
    "0f000000080000003fe4d9d30000000066726f6d2e6f6c64070000000449d7dc"
    "00007878787878";

constexpr std::string_view recorded_keepalive =
    "1401180000000000341200000000000004000000000000000200000000000000"
    "e0700165295fdc8a4d000000000000000000000000000000";

constexpr std::string_view recorded_ack =
    "1101180000000000341200000000000005000000000000000100000000000000"
    "0000400000000000090000000000000000000000";

std::vector<std::byte> bytes_of(std::string_view hex) {
    std::vector<std::byte> bytes;
    for (std::size_t at = 0; at < hex.size(); at += 2)
        bytes.push_back(
            static_cast<std::byte>(std::stoul(std::string{hex.substr(at, 2)}, nullptr, 16)));
    return bytes;
}

struct OldAgent {
    Host& to;
    LinkId link{9};

    void dial() {
        to.exchange->on_link_up(link, "key-old", false, to.now);
        to.turn();
    }
    void says(std::string_view recorded) {
        const auto frame = wire::decode_link(bytes_of(recorded));
        REQUIRE(frame);
        to.exchange->on_link_frame(link, *frame, to.now);
        to.turn();
    }
    void sends(std::string_view recorded) {
        const auto bytes = bytes_of(recorded);
        const auto frame = wire::decode_envelope(bytes);
        REQUIRE(frame);
        auto batch = OwnedBatch::make({frame->batch.begin(), frame->batch.end()});
        REQUIRE(batch);
        to.exchange->on_link_batch(link, frame->envelope, *batch, to.now);
        to.turn();
    }
    // The last of its kind that came to it.
    template <class T>
    const T* heard() const {
        const T* last = nullptr;
        for (const auto& sent : to.to_links)
            if (const auto* frame = std::get_if<wire::LinkFrame>(&sent.what))
                if (const auto* body = std::get_if<T>(&frame->body)) last = body;
        return last;
    }
    // It ends the session over a type that it does not know.
    bool knows_all() const {
        for (const auto& sent : to.to_links)
            if (const auto* frame = std::get_if<wire::LinkFrame>(&sent.what))
                if (static_cast<unsigned>(wire::encode_link(*frame).front()) >
                    static_cast<unsigned>(wire::FrameType::link_unfinished))
                    return false;
        return true;
    }
};

}  // namespace

TEST_CASE("an agent of the first protocol links, gives and gets") {
    constexpr SessionId app{1}, reader{2};
    constexpr ProducerId producer{{5, 5}};
    Host host{"new", 1, {peer("old")}};
    host.open(app, producer);
    host.open(reader);
    wire::Subscribe wanted;
    wanted.id = 1;
    wanted.filter = "from.old";
    host.subscribe(reader, wanted);

    OldAgent old{host};
    old.dial();
    old.says(recorded_hello);
    REQUIRE(old.heard<wire::LinkHello>());
    CHECK(old.heard<wire::LinkHello>()->answer);
    REQUIRE(old.heard<wire::LinkInterest>());
    CHECK(old.heard<wire::LinkInterest>()->items.size() == 1);
    old.says(recorded_interest);
    CHECK(host.exchange->status(host.now).links[0].state == "up");

    old.sends(recorded_batch);
    const auto delivery = host.next_delivery();
    REQUIRE(delivery);
    CHECK(delivery->batch.header().channel == "from.old");
    host.ack(reader, *delivery);
    REQUIRE(old.heard<wire::LinkAck>());
    CHECK(old.heard<wire::LinkAck>()->through == 1);

    old.says(recorded_keepalive);
    REQUIRE(old.heard<wire::LinkKeepalive>());
    CHECK(old.heard<wire::LinkKeepalive>()->reply_to == 77);

    host.publish(app, 1, make_batch({.channel = "from.new", .producer = producer}));
    const auto* sent = std::get_if<SendBatch>(&host.to_links.back().what);
    REQUIRE(sent);
    CHECK(sent->envelope.number == 1);
    CHECK(sent->envelope.route == nullptr);
    old.says(recorded_ack);
    CHECK(host.exchange->status(host.now).links[0].backlog_messages == 0);
    CHECK(host.balances());
    CHECK(host.exchange->status(host.now).malformed == 0);
    CHECK(host.exchange->status(host.now).links[0].state == "up");
    CHECK(old.knows_all());
}

TEST_CASE("an agent of the first protocol is pinged, and asked nothing else") {
    Host host{"new", 1, {peer("old")}};
    OldAgent old{host};
    old.dial();
    old.says(recorded_hello);
    CHECK(host.exchange->ask("old", wire::Asked::presence, 16, host.now).has_value());
    CHECK(host.exchange->ask("old", wire::Asked::status, 16, host.now).error() ==
          "old is of an earlier version and takes no questions");
    host.turn();
    REQUIRE(old.heard<wire::LinkKeepalive>());
    CHECK(old.heard<wire::LinkKeepalive>()->echo != 0);
    CHECK(old.knows_all());
}

}  // namespace bus::core::test
