#include "stories.h"
#include "wire/standard_headers.h"

namespace {

const AgentId here{{1, 1}}, there{{2, 2}};
const SessionId worker{20};

Batch message(wire::Kind kind, const std::string& channel, std::uint64_t sequence,
              const std::vector<std::pair<std::string_view, std::string>>& fields,
              const std::string& text, std::uint16_t flags = 0, std::uint64_t ttl_millis = 5'000) {
    std::vector<std::byte> headers;
    for (const auto& [key, value] : fields) wire::append_header(headers, key, value);
    const wire::BatchHeader header{.kind = kind,
                                   .mode = wire::Mode::best_effort,
                                   .flags = flags,
                                   .message_count = 1,
                                   .producer = producer,
                                   .sequence = sequence,
                                   .channel_sequence = sequence,
                                   .ttl_millis = ttl_millis,
                                   .body_length = static_cast<std::uint32_t>(
                                       wire::message_overhead + headers.size() + text.size()),
                                   .channel = channel};
    const auto length = wire::encoded_header_length(header);
    std::vector<std::byte> bytes(length + header.body_length);
    wire::encode_header(header, bytes.data());
    wire::encode_message(bytes.data() + length, sequence, headers, as_bytes(text));
    return *OwnedBatch::make(std::move(bytes));
}

Batch request(std::uint64_t sequence, std::uint16_t flags = 0, std::uint64_t ttl_millis = 5'000) {
    return message(wire::Kind::service, "quotes", sequence,
                   {{wire::header_key::reply_to, wire::reply_address(here, producer)},
                    {wire::header_key::correlation_id, std::to_string(sequence)}},
                   "EURUSD", flags, ttl_millis);
}

std::string field(const SendBatch& delivery, std::string_view key) {
    wire::MessageWalk walk{delivery.batch.body(), 1, wire::MessageWalk::Check::form};
    const auto found = wire::find_header(walk.next()->headers, key);
    return std::string{found.value_or("")};
}

void ask(Host& host, const Batch& batch) {
    host.exchange->on_batch(app, {.messages = batch.messages()}, batch, host.now);
    host.turn();
}

void serve(Host& host, SessionId session = worker, std::uint32_t prefetch = 100) {
    host.open(session, ProducerId{{session.value, 99}});
    wire::Subscribe command;
    command.id = 1;
    command.kind = wire::Kind::service;
    command.filter = "quotes";
    command.prefetch_messages = prefetch;
    host.subscribe(session, command);
}

// Carries the request out: replies, then acknowledges.
void reply(Host& host, const SendBatch& delivery, const std::string& text) {
    wire::BatchHeader header;
    const Batch answer = message(
        wire::Kind::service, field(delivery, wire::header_key::reply_to), 1,
        {{wire::header_key::correlation_id, field(delivery, wire::header_key::correlation_id)}},
        text);
    std::vector<std::byte> bytes{answer.bytes().begin(), answer.bytes().end()};
    header = answer.header();
    header.producer = ProducerId{{worker.value, 99}};
    wire::encode_header(header, bytes.data());
    host.exchange->on_batch(worker, {.messages = 1}, *OwnedBatch::make(std::move(bytes)), host.now);
    host.ack(worker, delivery);
}

struct Alone : Host {
    Alone() : Host{"a", 1, {}} { open(app, producer); }
};

struct Apart : TwoHosts {
    Apart() {
        connect();
        a.open(app, producer);
    }
    void serve_there() {
        serve(b);
        settle();
    }
};

}  // namespace

TEST_CASE("a request goes to a responder, its reply to who asked, and nothing to the disk") {
    Alone host;
    serve(host);
    ask(host, request(1));
    const auto asked = host.next_delivery();
    REQUIRE(asked);
    CHECK(asked->envelope.lifetime_millis == 5'000);
    reply(host, *asked, "1.07");
    const auto answer = host.next_delivery();
    REQUIRE(answer);
    CHECK(field(*answer, wire::header_key::correlation_id) == "1");
    CHECK(field(*answer, wire::header_key::bus_error).empty());
    CHECK(host.changes<Put>() == 0);
    CHECK(host.balances());
}

TEST_CASE("where nobody serves it the answer comes at once") {
    Alone host;
    ask(host, request(7));
    const auto answer = host.next_delivery();
    REQUIRE(answer);
    CHECK(field(*answer, wire::header_key::bus_error) == "no_responders");
    CHECK(field(*answer, wire::header_key::correlation_id) == "7");
}

TEST_CASE("responders share requests by the room they have, and a late one is not carried out") {
    Alone host;
    serve(host, SessionId{21}, 1);
    serve(host, SessionId{22}, 1);
    for (std::uint64_t n = 1; n <= 3; ++n) ask(host, request(n, 0, n == 3 ? 1'000 : 5'000));
    REQUIRE(host.deliveries.size() == 2);
    CHECK(host.deliveries[0].first != host.deliveries[1].first);
    const auto first = host.deliveries[0];
    host.deliveries.clear();
    host.pass(2s);
    host.ack(first.first, first.second);
    CHECK(host.deliveries.empty());
    CHECK(host.exchange->status(host.now).groups[0].account.expired == 1);
}

TEST_CASE(
    "a responder that is lost is told at once, one that leaves what it has not begun is not") {
    Alone host;
    serve(host);
    ask(host, request(1));
    REQUIRE(host.next_delivery());
    host.leave(worker);
    auto answer = host.next_delivery();
    REQUIRE(answer);
    CHECK(field(*answer, wire::header_key::bus_error) == "responder_lost");
    serve(host);
    ask(host, request(2));
    const auto asked = host.next_delivery();
    REQUIRE(asked);
    host.ack(worker, *asked, wire::Verdict::nack);
    const auto again = host.next_delivery();
    REQUIRE(again);
    CHECK(again->envelope.redelivered());
}

TEST_CASE("what waits for a responder that leaves is answered") {
    Alone host;
    serve(host, worker, 1);
    ask(host, request(1));
    ask(host, request(2));
    REQUIRE(host.deliveries.size() == 1);
    host.deliveries.clear();
    host.leave(worker);
    REQUIRE(host.deliveries.size() == 2);
    CHECK(field(host.deliveries[0].second, wire::header_key::bus_error) == "responder_lost");
    CHECK(field(host.deliveries[1].second, wire::header_key::bus_error) == "no_responders");
}

TEST_CASE("too many that wait are refused, not kept") {
    Alone host;
    serve(host, worker, 1);
    std::uint64_t n = 0;
    for (; n < 100'000 && host.deliveries.size() < 2; ++n) ask(host, request(n + 1));
    CHECK(field(host.deliveries.back().second, wire::header_key::bus_error) == "busy");
    CHECK(host.exchange->status(host.now).memory_bytes <= limits::service_backlog_max + 1'000);
}

TEST_CASE("a request beyond the rate of its user is answered as well") {
    Host host{"a", 1, {}};
    host.settings.app_bounds[1000].waiting.rate = 1;
    host.exchange->reload(host.settings, host.now);
    host.open(app, producer);
    serve(host);
    std::uint64_t sequence = 0;
    while (host.deliveries.size() == sequence && sequence < 100) ask(host, request(++sequence));
    REQUIRE(sequence > 1);  // what an idle user may send at once
    const auto refused = std::find_if(host.deliveries.begin(), host.deliveries.end(),
                                      [](const auto& one) { return one.first == app; });
    REQUIRE(refused != host.deliveries.end());
    CHECK(field(refused->second, wire::header_key::bus_error) == wire::request_error::busy);
}

TEST_CASE("a request crosses a link, and its reply comes back") {
    Apart hosts;
    ask(hosts.a, request(1));
    CHECK(field(*hosts.a.next_delivery(), wire::header_key::bus_error) == "no_responders");
    hosts.serve_there();
    ask(hosts.a, request(2));
    hosts.settle();
    const auto asked = hosts.b.next_delivery();
    REQUIRE(asked);
    reply(hosts.b, *asked, "1.07");
    hosts.settle();
    const auto answer = hosts.a.next_delivery();
    REQUIRE(answer);
    CHECK(field(*answer, wire::header_key::correlation_id) == "2");
    CHECK(hosts.a.balances());
    CHECK(hosts.b.balances());
    CHECK(hosts.a.changes<Put>() + hosts.b.changes<Put>() == 0);
}

TEST_CASE("a responder that comes later is asked, also where the service is known already") {
    Apart hosts;
    serve(hosts.a);
    ask(hosts.a, request(1));
    REQUIRE(hosts.a.next_delivery());
    hosts.a.leave(worker);
    CHECK(field(*hosts.a.next_delivery(), wire::header_key::bus_error) == "responder_lost");
    hosts.serve_there();
    ask(hosts.a, request(2));
    hosts.settle();
    CHECK(hosts.a.deliveries.empty());
    CHECK(hosts.b.next_delivery());
}

TEST_CASE("who may ask may be answered, whatever else the rules say") {
    Apart hosts;
    Permissions asks_and_serves{.publish = {},
                                .subscribe = {},
                                .send = {},
                                .receive = {},
                                .request = {"quotes"},
                                .serve = {"quotes"}};
    for (Host* host : {&hosts.a, &hosts.b}) {
        host->settings.peers[0].may = asks_and_serves;
        host->exchange->reload(host->settings, host->now);
    }
    hosts.serve_there();
    ask(hosts.a, request(1));
    hosts.settle();
    const auto asked = hosts.b.next_delivery();
    REQUIRE(asked);
    reply(hosts.b, *asked, "1.07");
    hosts.settle();
    const auto answer = hosts.a.next_delivery();
    REQUIRE(answer);
    CHECK(field(*answer, wire::header_key::bus_error).empty());
}

TEST_CASE("a reply whose time is over does not wait for a lost agent") {
    Apart hosts;
    hosts.serve_there();
    ask(hosts.a, request(1, 0, 2'000));
    hosts.settle();
    const auto asked = hosts.b.next_delivery();
    REQUIRE(asked);
    hosts.disconnect();
    reply(hosts.b, *asked, "1.07");
    CHECK(hosts.b.exchange->status(hosts.b.now).memory_bytes > 0);
    hosts.b.pass(70s);
    CHECK(hosts.b.exchange->status(hosts.b.now).memory_bytes == 0);
    CHECK(hosts.b.balances());
}

TEST_CASE("its own host comes first, the other when there is no room") {
    Apart hosts;
    hosts.serve_there();
    serve(hosts.a, worker, 1);
    ask(hosts.a, request(1));
    CHECK(hosts.a.deliveries.size() == 1);
    ask(hosts.a, request(2));
    hosts.settle();
    CHECK(hosts.b.deliveries.size() == 1);
}

TEST_CASE("a responder that is lost elsewhere is told here") {
    Apart hosts;
    hosts.serve_there();
    ask(hosts.a, request(1));
    hosts.settle();
    REQUIRE(hosts.b.next_delivery());
    hosts.b.leave(worker);
    hosts.settle();
    const auto answer = hosts.a.next_delivery();
    REQUIRE(answer);
    CHECK(field(*answer, wire::header_key::bus_error) == "responder_lost");
    ask(hosts.a, request(2));
    CHECK(field(*hosts.a.next_delivery(), wire::header_key::bus_error) == "no_responders");
}

TEST_CASE("a request to all reaches each responder once") {
    Apart hosts;
    hosts.serve_there();
    serve(hosts.b, SessionId{21});
    serve(hosts.a);
    hosts.settle();
    ask(hosts.a, request(1, wire::batch_flag::to_all));
    hosts.settle();
    CHECK(hosts.a.deliveries.size() == 1);
    CHECK(hosts.b.deliveries.size() == 2);
}

TEST_CASE("a reply to who is gone is counted, and no app may publish on other reserved names") {
    Alone host;
    const ProducerId nobody{{5, 5}};
    ask(host, message(wire::Kind::service, wire::reply_address(here, nobody), 1, {}, "late"));
    CHECK(host.deliveries.empty());
    CHECK(host.exchange->status(host.now).replies_dropped == 1);
    ask(host, message(wire::Kind::service, "$bus.reply.x", 2, {}, "odd"));
    REQUIRE_FALSE(host.replies.empty());
    const auto* refused = std::get_if<wire::Refused>(&host.replies.back());
    REQUIRE(refused != nullptr);
    CHECK(refused->code == wire::Reject::bad_name);
}
