// What an agent retains of what its producers publish: when it is safe, what the
// journal hears of it, and what goes.
#include "core/last_values.h"

#include "limits.h"
#include "stories.h"

namespace {

const ChannelSettings retained{.channels = {.kind = wire::Kind::topic, .filter = "prices.**"},
                               .waiting = {},
                               .retain_last = true};

Batch price(std::uint64_t sequence, const std::string& channel = "prices.oil",
            std::uint32_t messages = 1, std::uint64_t ttl_millis = 0) {
    return make_batch({.channel = channel,
                       .producer = producer,
                       .sequence = sequence,
                       .messages = messages,
                       .ttl_millis = ttl_millis});
}

struct Exchanger : Host {
    explicit Exchanger(Recovered recovered = {}) : Host("a", 1, {}, std::move(recovered)) {
        settings.channels = {retained};
        exchange->reload(settings, now);
        open(app, producer);
    }
    std::vector<std::uint64_t> written() const {
        std::vector<std::uint64_t> sequences;
        for (const auto& transaction : transactions)
            for (const auto& change : transaction.changes)
                if (const auto* put = std::get_if<PutLastValue>(&change))
                    sequences.push_back(put->batch.header().sequence);
        return sequences;
    }
    std::uint64_t kept() const { return exchange->status(now).last_values; }
};

Recovered with_value(const Batch& batch, std::uint64_t expires_wall_micros = 0) {
    Recovered found;
    found.agent = AgentId{{1, 1}};
    found.last_values.push_back({batch, expires_wall_micros});
    return found;
}

}  // namespace

TEST_CASE("what nobody subscribes to is safe when the journal has it as the last value") {
    Exchanger host;
    host.journal_answers = false;
    host.publish(app, 1, price(1));
    CHECK(host.written() == Sequences{1});
    CHECK(host.changes<Put>() == 0);
    CHECK(host.receipts.empty());
    host.commit();
    REQUIRE(host.receipts.size() == 1);
    CHECK(host.receipts[0].stage == wire::Stage::safe);
    CHECK(host.receipts[0].destinations == 0);
    CHECK(host.kept() == 1);
    CHECK(host.balances());
}

TEST_CASE("a quick consumer does not make it safe before that") {
    Exchanger host;
    host.open(reader);
    wire::Subscribe wish;
    wish.id = 1;
    wish.filter = "prices.*";
    host.subscribe(reader, wish);
    host.journal_answers = false;
    host.publish(app, 1, price(1));
    const auto delivery = host.next_delivery();
    REQUIRE(delivery);
    CHECK_FALSE(delivery->envelope.retained());
    host.ack(reader, *delivery);
    CHECK(host.receipts.empty());
    host.commit();
    CHECK(host.receipts.size() == 1);
    CHECK(host.changes<Put>() == 0);
}

TEST_CASE("of a batch its last message is kept, and a flood costs one row for each commit") {
    Exchanger host;
    host.journal_answers = false;
    host.publish(app, 1, price(1, "prices.oil", 5));
    for (std::uint64_t number = 2; number <= 50; ++number)
        host.publish(app, number, price(4 + number));
    host.journal_answers = true;
    host.commit();
    CHECK(host.written() == Sequences{5, 54});
    CHECK(host.receipts.size() == 50);
    CHECK(host.kept() == 1);
}

TEST_CASE("a commit that fails is made again, with what is the last value then") {
    Exchanger host;
    host.journal_answers = false;
    host.publish(app, 1, price(1));
    host.publish(app, 2, price(2));
    const auto failed = host.unanswered.front().number;
    host.unanswered.clear();
    host.exchange->on_journal(Failed{failed, Failed::Cause::io, "the disk failed", {}}, host.now);
    host.turn();
    CHECK(host.receipts.empty());
    host.pass(limits::journal_retry);
    host.commit();
    CHECK(host.written() == Sequences{1, 2});
    CHECK(host.receipts.size() == 2);
}

TEST_CASE("with a full journal nothing is safe, and what settles goes on") {
    Exchanger host;
    host.journal_answers = false;
    host.publish(app, 1, price(1));
    const auto failed = host.unanswered.front().number;
    host.unanswered.clear();
    JournalSpace full{.full = true};
    host.exchange->on_journal(Failed{failed, Failed::Cause::full, "no room", full}, host.now);
    host.turn();
    CHECK(host.receipts.empty());
    CHECK(host.unanswered.empty());
    host.exchange->on_journal(Committed{Submission{}, {}}, host.now);
    host.turn();
    host.commit();
    CHECK(host.receipts.size() == 1);
}

TEST_CASE("best effort, queues and other topics keep nothing, and cost no row") {
    Exchanger host;
    host.publish(
        app, 0,
        make_batch(
            {.mode = wire::Mode::best_effort, .channel = "prices.oil", .producer = producer}));
    host.publish(
        app, 1,
        make_batch({.kind = wire::Kind::queue, .channel = "prices.oil", .producer = producer}));
    host.publish(app, 2, price(2, "news"));
    CHECK(host.kept() == 0);
    CHECK(host.changes<PutLastValue>() == 0);
    CHECK(host.exchange->is_quiet());
}

TEST_CASE("a message larger than a batch is refused where the last is kept") {
    Exchanger host;
    host.publish(app, 1,
                 make_batch({.channel = "prices.oil",
                             .producer = producer,
                             .part = wire::Part{
                                 .first_sequence = 1, .index = 0, .total = 2, .total_bytes = 10}}));
    const auto* refused = std::get_if<wire::Refused>(&host.replies.back());
    REQUIRE(refused != nullptr);
    CHECK(refused->code == wire::Reject::too_large);
    CHECK(host.kept() == 0);
}

TEST_CASE("a setting that is removed takes its values along") {
    Exchanger host;
    host.publish(app, 1, price(1));
    CHECK(host.kept() == 1);
    host.settings.channels.clear();
    host.exchange->reload(host.settings, host.now);
    host.turn();
    CHECK(host.kept() == 0);
    CHECK(host.changes<DropLastValue>() == 1);
    host.publish(app, 2, price(2));
    CHECK(host.kept() == 0);
}

TEST_CASE("what a more specific filter does not want is not kept") {
    Exchanger host;
    host.settings.channels.push_back({.channels = {.kind = std::nullopt, .filter = "prices.secret"},
                                      .waiting = {},
                                      .retain_last = false});
    host.exchange->reload(host.settings, host.now);
    host.publish(app, 1, price(1, "prices.secret"));
    CHECK(host.kept() == 0);
}

TEST_CASE("what has expired, or is damaged, is not known after a restart") {
    constexpr std::uint64_t started_wall = 1'700'000'000'000'000;
    Recovered found = with_value(price(1), started_wall - 1);
    found.lost_last_values.push_back({"prices.gold"});
    Host host("a", 1, {}, std::move(found));
    host.turn();
    CHECK(host.exchange->status(host.now).last_values == 0);
    CHECK(host.changes<DropLastValue>() == 2);
}

TEST_CASE("beyond the limits those go that were published longest ago, and the log says so") {
    LastValues values;
    const Batch large = make_batch({.channel = "a", .payload = 60'000});
    const auto fit = limits::last_values_bytes_max / large.size();
    for (std::uint64_t n = 0; n <= fit; ++n)
        values.put(make_batch({.channel = "a" + std::to_string(n), .payload = 60'000}), 0);
    CHECK(values.bytes() <= limits::last_values_bytes_max);
    CHECK(values.take_evicted() >= 1);
    std::vector<std::string> first;
    values.visit("a0", 0,
                 [&](const auto& value) { first.emplace_back(value.batch.header().channel); });
    CHECK(first.empty());
    std::vector<Change> changes;
    values.describe(values.take_changed(), changes);
    CHECK(std::holds_alternative<DropLastValue>(changes.front()));
}

TEST_CASE("the last value of a wish is found by its filter") {
    LastValues values;
    for (const char* channel : {"a.b", "a.b.c", "b", "a.d"})
        values.put(make_batch({.channel = channel}), 0);
    const auto found = [&](std::string_view filter) {
        Texts channels;
        values.visit(filter, 0, [&](const auto& value) {
            channels.emplace_back(value.batch.header().channel);
        });
        return channels;
    };
    CHECK(found("a.*") == Texts{"a.b", "a.d"});
    CHECK(found("**") == Texts{"a.b", "a.b.c", "a.d", "b"});
    CHECK(found("a.b") == Texts{"a.b"});
    CHECK(found("*.b") == Texts{"a.b"});
    CHECK(found("c") == Texts{});
}
