#include <future>
#include <memory>
#include <thread>

#include "bus/bus.h"
#include "stub_agent.h"
#include "support/sample_batch.h"
#include "wire/standard_headers.h"

using namespace bus::client::test;
using namespace std::chrono_literals;
using bus::RequestError;
using bus::test::sample_batch;
namespace wire = bus::wire;

namespace {

constexpr auto patience = std::chrono::milliseconds{patience_millis};

using Fields = std::vector<std::pair<std::string_view, std::string>>;

std::vector<std::byte> encoded(const Fields& fields) {
    std::vector<std::byte> headers;
    for (const auto& [key, value] : fields) wire::append_header(headers, key, value);
    return headers;
}

std::string field(const Batch& batch, std::string_view key) {
    wire::MessageWalk walk{bus::Bytes{batch.bytes}.subspan(batch.header.header_length),
                           batch.header.sequence, wire::MessageWalk::Check::checksum};
    return std::string{wire::find_header(walk.next()->headers, key).value_or("")};
}

wire::BatchHeader service_header(std::string_view channel, std::uint64_t sequence = 1) {
    auto header = bus::test::sample_header();
    header.kind = wire::Kind::service;
    header.mode = wire::Mode::best_effort;
    header.sequence = sequence;
    header.channel = channel;
    return header;
}

struct Asking {
    Asking() : app({.runtime = runtime.path(), .app = "story", .linger = 0ms}) {
        agent = std::make_unique<StubAgent>(runtime);
        agent->welcome();
    }
    Batch expect_request() {
        auto batch = agent->expect_batch();
        address = field(batch, wire::header_key::reply_to);
        return batch;
    }
    // What a responder, or an agent in its place, says to that request.
    void reply(const Batch& request, std::string_view text, Fields more = {},
               std::uint64_t sequence = 1) {
        more.emplace_back(wire::header_key::correlation_id,
                          field(request, wire::header_key::correlation_id));
        agent->deliver(sample_batch({{text, encoded(more)}}, service_header(address, sequence)),
                       {.messages = 1});
    }
    RequestError::Why why(const bus::PendingReply& pending) const {
        try {
            static_cast<void>(pending.get());
        } catch (const RequestError& error) {
            return error.why();
        }
        FAIL("it was answered");
        return {};
    }

    const Runtime runtime;
    std::unique_ptr<StubAgent> agent;
    bus::Connection app;
    std::string address;
};

struct Serving : Asking {
    template <class Serve>
    auto serve(Serve begin) {
        auto responder = begin(app);
        id = agent->agree().id;
        return responder;
    }
    void deliver(std::string_view text, const Fields& fields, std::uint64_t lifetime_millis = 5000,
                 wire::Kind kind = wire::Kind::service) {
        auto header = service_header("quotes");
        header.kind = kind;
        agent->deliver(
            sample_batch({{text, encoded(fields)}}, header),
            {.number = ++tag, .lifetime_millis = lifetime_millis, .messages = 1, .consumer = id});
    }
    // The reply and the acknowledgement come in whatever order.
    Batch expect_reply() {
        std::optional<Batch> reply;
        bool acknowledged = false;
        while (!reply || !acknowledged) {
            const std::string frame = agent->next_frame();
            if (const auto acks = wire::decode_acks(bus::as_bytes(frame))) {
                acknowledged = acks->at(0).verdict == wire::Verdict::ack;
                continue;
            }
            const auto decoded = wire::decode_envelope(bus::as_bytes(frame));
            REQUIRE(decoded);
            reply.emplace();
            reply->bytes = {decoded->batch.begin(), decoded->batch.end()};
            reply->envelope = decoded->envelope;
            const auto header = wire::decode_batch(reply->bytes);
            REQUIRE(header);
            reply->header = *header;
            wire::MessageWalk walk{bus::Bytes{reply->bytes}.subspan(header->header_length),
                                   header->sequence, wire::MessageWalk::Check::checksum};
            reply->payloads.emplace_back(bus::as_text(walk.next()->payload));
        }
        return std::move(*reply);  // the header points into its bytes
    }

    std::uint64_t id = 0, tag = 0;
};

const Fields asked{{wire::header_key::reply_to,
                    wire::reply_address(bus::AgentId{{7, 7}}, bus::ProducerId{{1, 2}})},
                   {wire::header_key::correlation_id, "12"}};

}  // namespace

TEST_CASE("a request carries its deadline and its address, and its answer comes back") {
    Asking story;
    std::string answer;
    std::thread asker{
        [&] { answer = story.app.request("quotes", "EURUSD", {.timeout = patience}).payload(); }};
    const auto request = story.expect_request();
    CHECK(request.header.kind == wire::Kind::service);
    CHECK(request.header.mode == wire::Mode::best_effort);
    CHECK(request.header.channel == "quotes");
    CHECK(request.header.ttl_millis == patience_millis);
    CHECK(request.payloads.at(0) == "EURUSD");
    CHECK(wire::read_reply_address(story.address)->agent == bus::AgentId{{7, 7}});
    story.reply(request, "1.07");
    asker.join();
    CHECK(answer == "1.07");
}

TEST_CASE("many requests are under way at a time, and each gets its own answer") {
    Asking story;
    std::vector<bus::PendingReply> pending;
    for (int i = 0; i < 3; ++i)
        pending.push_back(
            story.app.begin_request("quotes", std::to_string(i), {.timeout = patience}));
    std::vector<std::string> correlations;
    while (correlations.size() < 3) {
        const auto batch = story.expect_request();
        wire::MessageWalk walk{bus::Bytes{batch.bytes}.subspan(batch.header.header_length),
                               batch.header.sequence, wire::MessageWalk::Check::checksum};
        while (const auto one = walk.next())
            correlations.emplace_back(
                wire::find_header(one->headers, wire::header_key::correlation_id).value());
    }
    for (const int i : {2, 0, 1})
        story.agent->deliver(
            sample_batch({{"answer " + std::to_string(i),
                           encoded({{wire::header_key::correlation_id,
                                     correlations.at(static_cast<std::size_t>(i))}})}},
                         service_header(story.address)),
            {.messages = 1});
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(pending[i].get().payload() == "answer " + std::to_string(i));
}

TEST_CASE("why there is no answer is told by name") {
    Asking story;
    const auto ask = [&](std::chrono::milliseconds timeout = patience) {
        return story.app.begin_request("quotes", "?", {.timeout = timeout});
    };
    using Why = RequestError::Why;
    const auto answered_with = [&](std::string_view key, const std::string& text) {
        const auto pending = ask();
        story.reply(story.expect_request(), "", {{key, text}});
        return story.why(pending);
    };
    CHECK(answered_with(wire::header_key::bus_error, "no_responders") == Why::no_responders);
    CHECK(answered_with(wire::header_key::bus_error, "busy") == Why::busy);
    CHECK(answered_with(wire::header_key::bus_error, "responder_lost") == Why::responder_lost);
    CHECK(answered_with(wire::header_key::error, "no such pair") == Why::failed);
    CHECK(story.why(ask(1ms)) == Why::timed_out);
    const auto cancelled = ask();
    cancelled.cancel();
    CHECK(story.why(cancelled) == Why::cancelled);
    const auto left = ask();
    story.app.close();
    CHECK(story.why(left) == Why::closed);
}

TEST_CASE("when the agent goes away nobody waits for what it knew") {
    Asking story;
    const auto pending = story.app.begin_request("quotes", "?", {.timeout = patience});
    story.expect_request();
    story.agent->reply(wire::Reset{});
    CHECK(story.why(pending) == RequestError::Why::responder_lost);
}

TEST_CASE("nobody has to wait: a request without a waiting thread ends at its deadline") {
    Asking story;
    std::promise<RequestError::Why> told;
    story.app.begin_request("quotes", "?", {.timeout = 5ms})
        .when_done([&](const bus::PendingReply& done) {
            CHECK(done.is_done());
            told.set_value(story.why(done));
        });
    CHECK(told.get_future().get() == RequestError::Why::timed_out);
}

TEST_CASE("answers of many are collected, each once, until there are enough") {
    Asking story;
    std::vector<bus::Reply> replies;
    std::thread asker{
        [&] { replies = story.app.request_many("quotes", "?", 2, {.timeout = patience}); }};
    const auto request = story.expect_request();
    CHECK((request.header.flags & wire::batch_flag::to_all) != 0);
    story.reply(request, "one", {}, 1);
    story.reply(request, "one", {}, 1);
    story.reply(request, "", {{wire::header_key::error, "out of order"}}, 2);
    asker.join();
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].payload() == "one");
    CHECK_FALSE(replies[0].error());
    CHECK(replies[1].error() == "out of order");
}

TEST_CASE("mistakes are answered by name, before anything leaves") {
    Asking story;
    CHECK_THROWS_WITH(story.app.request("quotes..x", ""),
                      doctest::Contains("is no name of a service"));
    CHECK_THROWS_WITH(story.app.request("quotes", "", {.timeout = 0ms}),
                      "a request waits for 1 ms to 24 h");
    CHECK_THROWS_WITH(story.app.request("quotes", std::string(70'000, 'x')),
                      doctest::Contains("64 KiB"));
    CHECK_THROWS_WITH(story.app.request_many("quotes", "", 0),
                      "a request wants one answer at least");
    CHECK_THROWS_WITH(static_cast<void>(story.app.serve("quotes", nullptr, {.threads = 0})),
                      doctest::Contains("threads"));
    bus::Connection named{{.runtime = story.runtime.path(), .producer = "billing", .linger = 0ms}};
    CHECK_THROWS_WITH(named.request("quotes", ""), doctest::Contains("use another"));
}

TEST_CASE("a service answers, and what its handler throws is the requester's error") {
    Serving story;
    auto service = story.serve([](bus::Connection& app) {
        return app.serve("quotes",
                         [](const bus::Message& request) -> std::string {
                             if (request.payload() == "?") throw std::runtime_error{"no such pair"};
                             return "1.07";
                         },
                         {.timeout = 0ms});
    });
    story.deliver("EURUSD", asked);
    auto reply = story.expect_reply();
    CHECK(reply.header.channel == asked[0].second);
    CHECK(reply.header.mode == wire::Mode::best_effort);
    CHECK(reply.header.ttl_millis <= 5000);
    CHECK(field(reply, wire::header_key::correlation_id) == "12");
    CHECK(reply.payloads.at(0) == "1.07");
    story.deliver("?", asked);
    reply = story.expect_reply();
    CHECK(field(reply, wire::header_key::error) == "no such pair");
    service.close();
    CHECK_FALSE(service.is_open());
}

TEST_CASE("a responder that is too late is not asked, and whoever wants no answer gets none") {
    Serving story;
    auto clock =
        story.serve([](bus::Connection& app) { return app.receive("clock", {.timeout = 0ms}); });
    const auto clock_id = story.id;
    auto consumer = story.serve([](bus::Connection& app) {
        return app.serve("quotes", bus::SubscribeOptions{.timeout = 0ms});
    });
    story.deliver("late", asked, 1);
    const auto service_id = std::exchange(story.id, clock_id);
    story.deliver("later", {}, 2, wire::Kind::queue);
    const auto later = clock.next_within(patience);
    REQUIRE(later);
    while (later->time_left().value() > 0ms) std::this_thread::yield();
    story.id = service_id;
    story.deliver("in time", {}, 5000);
    auto delivery = consumer.next_within(patience);
    REQUIRE(delivery);
    CHECK(delivery->payload() == "in time");
    CHECK(delivery->time_left().value() <= 5s);
    CHECK_THROWS_WITH(delivery->reply("?"), doctest::Contains("nobody waits for a reply"));
    CHECK(delivery->ack() == bus::Ack::given);
}

TEST_CASE("a message of a queue is answered through a queue, and acknowledged when that is safe") {
    Serving story;
    auto consumer =
        story.serve([](bus::Connection& app) { return app.receive("orders", {.timeout = 0ms}); });
    story.deliver(
        "42",
        {{wire::header_key::reply_to, "receipts"}, {wire::header_key::correlation_id, "o-42"}}, 0,
        wire::Kind::queue);
    auto delivery = consumer.next_within(patience);
    REQUIRE(delivery);
    CHECK_FALSE(delivery->time_left());
    std::thread worker{[&] { CHECK(delivery->reply("done") == bus::Ack::given); }};
    const auto reply = story.agent->expect_batch();
    CHECK(reply.header.kind == wire::Kind::queue);
    CHECK(reply.header.guaranteed());
    CHECK(reply.header.channel == "receipts");
    CHECK(field(reply, wire::header_key::correlation_id) == "o-42");
    story.agent->receipts({.safe_through = reply.envelope.number});
    worker.join();
    CHECK(story.agent->expect_acks().at(0).verdict == wire::Verdict::ack);
}
