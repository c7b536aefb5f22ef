// The link's control frames: round trips, and what a hostile or later peer may send.
#include <doctest/doctest.h>

#include "wire/link.h"

using namespace bus;
using namespace bus::wire;

namespace {

LinkHello sample_hello() {
    LinkHello hello;
    hello.agent = AgentId{{1, 2}};
    hello.name = "paris";
    hello.incarnation = 1'700'000'000'001;
    hello.your_incarnation = 1'700'000'000'000;
    hello.your_taken = 99;
    hello.window = 4 << 20;
    hello.interest_version = 12;
    hello.answer = true;
    hello.held = {{Kind::queue, "orders"}, {Kind::topic, "**"}};
    hello.tickets = hello.rejoins = true;
    hello.ticket = {{41, 42}};
    hello.given = 43;
    return hello;
}

LinkInterest sample_interest() {
    return {.part = LinkInterest::Part::snapshot_last,
            .version = 12,
            .items = {{.op = InterestItem::Op::add,
                       .kind = Kind::topic,
                       .durable = true,
                       .name = "alarms",
                       .group = "",
                       .filter = "plant7.**"},
                      {.op = InterestItem::Op::remove,
                       .kind = Kind::topic,
                       .durable = false,
                       .name = "",
                       .group = "workers",
                       .filter = "orders"}}};
}

// One of each, with every field set and every list filled.
std::vector<LinkFrame> samples() {
    const LinkHead head{.type = FrameType::data, .session = 0xABCDEF, .count = 7};
    return {
        {head, sample_hello()},
        {head,
         LinkAck{.through = 10, .window = 1 << 20, .received = 9, .ranges = {{12, 12}, {14, 20}}}},
        {head, sample_interest()},
        {head, LinkHold{.hold = {{Kind::topic, "a.b"}}, .resume = {{Kind::queue, "orders"}}}},
        {head,
         LinkKeepalive{.interest_version = 1, .interest_digest = 2, .echo = 3, .reply_to = 4}},
        {head, LinkReset{.code = Reject::no_hello, .final = true, .reason = "restarted"}},
        {head, LinkRefuse{.number = 5, .code = Reject::not_allowed, .reason = "no rule"}},
        {head, LinkPaths{.part = LinkPaths::Part::change,
                         .paths = {{.agents = {AgentId{{1, 2}}, AgentId{{3, 4}}},
                                    .cost = 7,
                                    .name = "tokyo",
                                    .interest_version = 8,
                                    .interest_digest = 9},
                                   {.agents = {AgentId{{5, 6}}}, .cost = no_path}}}},
        {head, LinkAsk{{AgentId{{1, 2}}, AgentId{{3, 4}}}}},
        {head, LinkArrived{{{1, Fate::reached}, {2, Fate::unknown}}}},
        {head, LinkTicket{{{44, 45}}}},
        {head, LinkTicketTaken{{{46, 47}}}}};
}

// Bytes of fields that came later than their frame: without them it is an earlier version's.
std::size_t added_later(const LinkBody& body) {
    if (std::holds_alternative<LinkKeepalive>(body)) return 8;
    if (std::holds_alternative<LinkInterest>(body)) return 24;
    return 0;
}

Reject verdict(Bytes bytes) {
    const auto decoded = decode_link(bytes);
    return decoded ? Reject::none : decoded.error();
}

template <class Body>
Reject verdict_of(Body body) {
    return verdict(encode_link({LinkHead{}, std::move(body)}));
}

template <class Body>
Body round_trip(const Body& body) {
    const auto decoded = decode_link(encode_link({LinkHead{}, body}));
    REQUIRE(decoded);
    const auto* same = std::get_if<Body>(&decoded->body);
    REQUIRE(same != nullptr);
    return *same;
}

}  // namespace

TEST_CASE("every frame's bytes come back when its decoding is encoded again") {
    for (const auto& frame : samples()) {
        const auto bytes = encode_link(frame);
        const auto decoded = decode_link(bytes);
        CAPTURE(frame.body.index());
        REQUIRE(decoded);
        CHECK(decoded->head.session == 0xABCDEF);
        CHECK(decoded->head.count == 7);
        CHECK(decoded->body.index() == frame.body.index());
        CHECK(encode_link(*decoded) == bytes);
    }
}

TEST_CASE("a hello keeps its fields") {
    const auto hello = round_trip(sample_hello());
    CHECK(hello.protocol_min == protocol_min);
    CHECK(hello.protocol_max == protocol_max);
    CHECK(hello.agent == AgentId{{1, 2}});
    CHECK(hello.name == "paris");
    CHECK(hello.incarnation == 1'700'000'000'001);
    CHECK(hello.your_incarnation == 1'700'000'000'000);
    CHECK(hello.your_taken == 99);
    CHECK(hello.window == 4 << 20);
    CHECK(hello.interest_version == 12);
    CHECK(hello.answer);
    CHECK(hello.held == sample_hello().held);
    CHECK(hello.rejoins);
    CHECK(hello.ticket == Ticket{{41, 42}});
    CHECK(hello.given == 43);
}

TEST_CASE("the other bodies keep their fields") {
    const auto ack =
        round_trip(LinkAck{.through = 10, .window = 11, .received = 9, .ranges = {{12, 13}}});
    CHECK(ack.through == 10);
    CHECK(ack.window == 11);
    CHECK(ack.received == 9);
    CHECK(ack.ranges == std::vector<LinkAck::Range>{{12, 13}});
    const auto interest = round_trip(sample_interest());
    CHECK(interest.part == LinkInterest::Part::snapshot_last);
    CHECK(interest.version == 12);
    CHECK(interest.items == sample_interest().items);
    const auto hold =
        round_trip(LinkHold{.hold = {{Kind::topic, "a"}}, .resume = {{Kind::queue, "b"}}});
    CHECK(hold.hold == std::vector<ChannelKey>{{Kind::topic, "a"}});
    CHECK(hold.resume == std::vector<ChannelKey>{{Kind::queue, "b"}});
    const auto keepalive = round_trip(LinkKeepalive{1, 2, 3, 4});
    CHECK(keepalive.interest_version == 1);
    CHECK(keepalive.interest_digest == 2);
    CHECK(keepalive.echo == 3);
    CHECK(keepalive.reply_to == 4);
    const auto reset = round_trip(LinkReset{Reject::limit, false, "why"});
    CHECK(reset.code == Reject::limit);
    CHECK_FALSE(reset.final);
    CHECK(reset.reason == "why");
    const auto refuse = round_trip(LinkRefuse{5, Reject::too_large, "why"});
    CHECK(refuse.number == 5);
    CHECK(refuse.code == Reject::too_large);
    CHECK(refuse.reason == "why");
}

TEST_CASE("a frame cut at any length is refused") {
    for (const auto& frame : samples()) {
        const auto bytes = encode_link(frame);
        CAPTURE(frame.body.index());
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            CAPTURE(length);
            const auto added = added_later(frame.body);
            const bool is_earlier = added > 0 && length == bytes.size() - added;
            CHECK(verdict(Bytes{bytes}.first(length)) ==
                  (is_earlier ? Reject::none : Reject::malformed));
        }
    }
}

TEST_CASE("fields of a later version behind the known ones are skipped") {
    for (const auto& frame : samples()) {
        auto bytes = encode_link(frame);
        bytes.insert(bytes.end(), 9, std::byte{0xEE});
        const auto decoded = decode_link(bytes);
        CAPTURE(frame.body.index());
        REQUIRE(decoded);
        CHECK(encode_link(*decoded) == encode_link(frame));
    }
}

TEST_CASE("a later version's longer head is skipped") {
    auto bytes = encode_link({LinkHead{}, LinkKeepalive{1, 2, 3, 4}});
    bytes.insert(bytes.begin() + 24, 8, std::byte{0xEE});
    store(bytes.data() + 2, std::uint16_t{32});
    const auto decoded = decode_link(bytes);
    REQUIRE(decoded);
    CHECK(std::get<LinkKeepalive>(decoded->body).reply_to == 4);
    store(bytes.data() + 2, std::uint16_t{23});
    CHECK(verdict(bytes) == Reject::malformed);
}

TEST_CASE("counts that promise more than the frame has cost nothing") {
    auto ack = encode_link({LinkHead{}, LinkAck{}});
    store(ack.data() + 24 + 24, std::uint32_t{16});
    CHECK(verdict(ack) == Reject::malformed);
    store(ack.data() + 24 + 24, std::uint32_t{0xFFFFFFFF});
    CHECK(verdict(ack) == Reject::malformed);
    auto interest = encode_link({LinkHead{}, LinkInterest{}});
    store(interest.data() + 24 + 9, std::uint32_t{0xFFFFFFFF});
    CHECK(verdict(interest) == Reject::malformed);
    auto hold = encode_link({LinkHead{}, LinkHold{}});
    store(hold.data() + 24, std::uint16_t{0xFFFF});
    CHECK(verdict(hold) == Reject::malformed);
}

TEST_CASE("acknowledged ranges stand above the prefix and are no more than the bound") {
    CHECK(verdict_of(LinkAck{.through = 10, .window = 1, .received = 1, .ranges = {{10, 12}}}) ==
          Reject::malformed);
    CHECK(verdict_of(LinkAck{.through = 10, .window = 1, .received = 1, .ranges = {{13, 12}}}) ==
          Reject::malformed);
    LinkAck many;
    for (std::uint64_t i = 0; i < ack_ranges_max; ++i)
        many.ranges.push_back({2 * i + 2, 2 * i + 2});
    CHECK(verdict_of(many) == Reject::none);
    many.ranges.push_back({100, 100});
    CHECK(verdict_of(many) == Reject::malformed);
}

TEST_CASE("a hello without an id, an incarnation or a name is refused") {
    const auto with = [](auto change) {
        LinkHello hello = sample_hello();
        change(hello);
        return verdict_of(hello);
    };
    CHECK(with([](auto&) {}) == Reject::none);
    CHECK(with([](auto& h) { h.agent = {}; }) == Reject::malformed);
    CHECK(with([](auto& h) { h.incarnation = 0; }) == Reject::malformed);
    CHECK(with([](auto& h) { h.name = ""; }) == Reject::malformed);
    CHECK(with([](auto& h) { h.name = "two words"; }) == Reject::malformed);
    CHECK(with([](auto& h) { h.held = {{Kind::topic, "a..b"}}; }) == Reject::malformed);
    CHECK(with([](auto& h) { h.held = {{static_cast<Kind>(3), "a"}}; }) == Reject::malformed);
}

TEST_CASE("interest that names nothing real is refused") {
    const auto with = [](auto change) {
        LinkInterest interest = sample_interest();
        change(interest.items.front());
        return verdict_of(interest);
    };
    CHECK(with([](auto&) {}) == Reject::none);
    CHECK(with([](auto& i) { i.op = static_cast<InterestItem::Op>(0); }) == Reject::malformed);
    CHECK(with([](auto& i) { i.op = static_cast<InterestItem::Op>(3); }) == Reject::malformed);
    CHECK(with([](auto& i) { i.kind = static_cast<Kind>(3); }) == Reject::malformed);
    CHECK(with([](auto& i) { i.filter = ""; }) == Reject::malformed);
    CHECK(with([](auto& i) { i.filter = "**.a"; }) == Reject::malformed);
    CHECK(with([](auto& i) { i.name = ""; }) == Reject::malformed);  // durable, but nameless
    CHECK(with([](auto& i) { i.group = "a b"; }) == Reject::malformed);
    CHECK(with([](auto& i) { i.group = "alarms"; }) == Reject::none);
    CHECK(with([](auto& i) { i.group = "crew"; }) == Reject::malformed);  // its name is another
    CHECK(with([](auto& i) {
              i.group = "alarms";
              i.kind = Kind::queue;
          }) == Reject::malformed);
    LinkInterest interest = sample_interest();
    interest.part = static_cast<LinkInterest::Part>(5);
    CHECK(verdict_of(interest) == Reject::malformed);
}

TEST_CASE("another version and an unknown type have their own answers") {
    auto bytes = encode_link({LinkHead{}, LinkKeepalive{}});
    bytes[0] = std::byte{63};
    CHECK(verdict(bytes) == Reject::none);  // of a later version: to be counted
    bytes[0] = std::byte{99};
    CHECK(verdict(bytes) == Reject::unknown_command);
    bytes[0] = std::byte{1};  // data is an envelope's
    CHECK(verdict(bytes) == Reject::unknown_command);
    bytes[1] = std::byte{2};
    CHECK(verdict(bytes) == Reject::bad_version);
}

TEST_CASE("a frame beyond the bound is refused before it is looked at") {
    auto bytes = encode_link({LinkHead{}, LinkKeepalive{}});
    bytes.resize(frame_bytes_max);
    CHECK(verdict(bytes) == Reject::none);
    bytes.resize(frame_bytes_max + 1);
    CHECK(verdict(bytes) == Reject::too_large);
}

TEST_CASE("a large snapshot is split so that only its last frame says so") {
    std::vector<InterestItem> items;
    for (int i = 0; i < 2'000; ++i)
        items.push_back({.op = InterestItem::Op::add,
                         .kind = Kind::topic,
                         .durable = true,
                         .name = "name" + std::to_string(i),
                         .group = std::string(100, 'g'),
                         .filter = std::string(100, 'f')});
    const auto frames = split_interest(LinkInterest::Part::snapshot_last, 3, items);
    REQUIRE(frames.size() > 3);
    std::vector<InterestItem> joined;
    for (const auto& frame : frames) {
        const bool last = &frame == &frames.back();
        CHECK(frame.part ==
              (last ? LinkInterest::Part::snapshot_last : LinkInterest::Part::snapshot_more));
        CHECK(frame.version == 3);
        CHECK(encode_link({LinkHead{}, frame}).size() <= control_bytes_max);
        joined.insert(joined.end(), frame.items.begin(), frame.items.end());
    }
    CHECK(joined == items);
}

TEST_CASE("an empty snapshot is still said, and changes stay changes when split") {
    const auto empty = split_interest(LinkInterest::Part::snapshot_last, 1, {});
    REQUIRE(empty.size() == 1);
    CHECK(empty.front().part == LinkInterest::Part::snapshot_last);
    InterestItem longest{.name = "n", .group = "", .filter = std::string(255, 'f')};
    const auto changes =
        split_interest(LinkInterest::Part::change, 2, std::vector<InterestItem>(1'000, longest));
    REQUIRE(changes.size() > 1);
    for (const auto& frame : changes) CHECK(frame.part == LinkInterest::Part::change);
}

TEST_CASE("a digest sees every field of an item, but not whether it is added or removed") {
    const InterestItem item = sample_interest().items.front();
    const auto differs = [&](auto change) {
        InterestItem other = item;
        change(other);
        return digest(other) != digest(item);
    };
    CHECK(differs([](auto& i) { i.kind = Kind::queue; }));
    CHECK(differs([](auto& i) { i.durable = false; }));
    CHECK(differs([](auto& i) { i.name = "other"; }));
    CHECK(differs([](auto& i) { i.group = "other"; }));
    CHECK(differs([](auto& i) { i.filter = "other"; }));
    CHECK_FALSE(differs([](auto& i) { i.op = InterestItem::Op::remove; }));
    // The fields' borders count: "ab" and "c" are not "a" and "bc".
    InterestItem one = item, two = item;
    one.name = "ab", one.group = "c";
    two.name = "a", two.group = "bc";
    CHECK(digest(one) != digest(two));
}
