// A durable subscription beyond its share lapses from the oldest on, its
// publishers go on, and its app hears of it.
#include "graveyard.h"
#include "network.h"
#include "stories.h"

namespace {

constexpr std::uint64_t plenty = 1ull << 40;

Batch news(std::uint64_t sequence, BatchOptions options = {}) {
    options.channel = "news";
    options.producer = producer;
    options.sequence = sequence;
    return make_batch(options);
}
std::uint64_t size_of(const Batch& batch) { return batch.size(); }

// A subscription whose app is away, with that share.
struct Collecting : Host {
    explicit Collecting(Bound lapse, Recovered recovered = {}) : Host("a", 1, {}, recovered) {
        settings.channels = {{.channels = {std::nullopt, "**"}, .waiting = {}, .lapse = lapse}};
        exchange->reload(settings, now);
        come();
        leave(reader);
        open(app, producer);
    }
    void come() {
        open(reader);
        core::test::Host::subscribe(reader, {.id = 1, .filter = "news", .durable = "alarms"});
    }
    void put(std::uint64_t sequence, BatchOptions options = {}) {
        publish(app, sequence, news(sequence, options));
    }
    GroupStatus group() const { return exchange->status(now).groups.at(0); }
    std::vector<wire::Gap> told() {
        std::vector<wire::Gap> found;
        for (const auto& reply : std::exchange(replies, {}))
            if (const auto* gap = std::get_if<wire::Gap>(&reply)) found.push_back(*gap);
        return found;
    }
    std::size_t count(Event::Kind kind) const {
        return static_cast<std::size_t>(std::count_if(
            events.begin(), events.end(), [&](const Event& one) { return one.kind == kind; }));
    }
};

}  // namespace

TEST_CASE("beyond its share the oldest lapse, and nobody is held back") {
    Collecting host{{.bytes = 3 * size_of(news(1)), .age = 24h}};
    for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) host.put(sequence);
    CHECK(host.group().waiting_messages == 3);
    CHECK(host.group().account.lapsed == 7);
    CHECK(host.exchange->status(host.now).held_producers.empty());
    CHECK(host.count(Event::Kind::batch_lapsed) == 7);
    CHECK(host.count(Event::Kind::subscription_lapsing) == 1);  // one line for all
    CHECK(host.balances());
    host.come();
    CHECK(read(host) == Sequences{8, 9, 10});
}

TEST_CASE("what has waited too long lapses, and nothing younger") {
    Collecting host{{.bytes = plenty, .age = 1h}};
    host.put(1);
    host.pass(40min);
    host.put(2);
    host.pass(21min);
    CHECK(host.group().account.lapsed == 1);
    CHECK(host.group().gaps.of(wire::Gap::Reason::lapsed) == 1);
    host.come();
    CHECK(read(host) == Sequences{2});
    CHECK(host.balances());
}

TEST_CASE("of several lanes the oldest goes, whichever it is in") {
    Collecting host{{.bytes = 2 * size_of(news(1)), .age = 24h}};
    host.put(1, {.lane = wire::Lane::high});
    host.pass(1s);
    host.put(2, {.lane = wire::Lane::low});
    host.pass(1s);
    host.put(3, {.lane = wire::Lane::high});
    host.pass(1s);
    host.put(4);
    host.come();
    CHECK(read(host) == Sequences{3, 4});
}

TEST_CASE("without a word on it a subscription has a tenth of the journal, and a week") {
    Host host{"a", 1, {}};
    subscribe(host);
    const auto group = host.exchange->status(host.now).groups.at(0);
    CHECK(group.share_bytes == host.settings.journal_bytes_max / 100 * 10);
    CHECK(group.share_age_millis == 7 * 24 * 3'600'000);
}

TEST_CASE("the share is the subscription's own, or that of the channels which cover it best") {
    Host host{"a", 1, {}};
    subscribe(host);
    const auto share = [&] { return host.exchange->status(host.now).groups.at(0).share_bytes; };
    const auto say = [&] {
        host.exchange->reload(host.settings, host.now);
        return share();
    };
    const auto of = [](const std::string& filter, std::uint64_t bytes,
                       std::optional<wire::Kind> kind = std::nullopt) {
        return ChannelSettings{
            .channels = {kind, filter}, .waiting = {}, .lapse = Bound{.bytes = bytes}};
    };
    host.settings.channels = {of("**", 1000), of("news.**", 2000), of("new", 3000)};
    CHECK(say() == 1000);
    host.settings.channels.push_back(of("news", 4000, wire::Kind::queue));
    CHECK(say() == 1000);
    host.settings.channels.push_back(of("*", 5000, wire::Kind::topic));
    CHECK(say() == 1000);  // neither begins with a name
    host.settings.channels.push_back(of("news", 6000));
    CHECK(say() == 6000);
    host.settings.subscriptions = {
        {.name = "news", .filter = "news", .lapse = Bound{.bytes = 7000}}};
    CHECK(say() == 7000);
    CHECK(host.exchange->status(host.now).groups.at(0).share_age_millis == 7 * 24 * 3'600'000);
}

TEST_CASE("its app is told once of what it has lost, when it comes") {
    Collecting host{{.bytes = 3 * size_of(news(1)), .age = 24h}};
    for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) host.put(sequence);
    host.pass(2s);
    CHECK(host.told().empty());
    host.come();
    auto told = host.told();
    REQUIRE(told.size() == 1);
    CHECK(told[0].id == 1);
    CHECK(told[0].reason == wire::Gap::Reason::lapsed);
    CHECK(told[0].channel == "news");
    CHECK(told[0].messages == 2);
    CHECK(told[0].untold == 2);
    CHECK(told[0].total == 2);
    CHECK(told[0].from_micros >= 1'700'000'000'000'000);
    CHECK(told[0].to_micros >= told[0].from_micros);
    host.leave(reader);
    host.come();
    CHECK(host.told().empty());
    host.leave(reader);
    for (std::uint64_t sequence = 6; sequence <= 10; ++sequence) host.put(sequence);
    host.pass(1s);
    host.come();
    told = host.told();
    REQUIRE(told.size() == 1);
    CHECK(told[0].untold == 2);
    CHECK(told[0].messages == 2);
    CHECK(told[0].total == 4);
}

TEST_CASE("a consumer that is too slow hears of it while it is there, once a second") {
    Collecting host{{.bytes = 3 * size_of(news(1)), .age = 24h}};
    host.open(reader);
    host.subscribe(reader,
                   {.id = 1, .filter = "news", .durable = "alarms", .prefetch_messages = 1});
    for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) host.put(sequence);
    CHECK(host.told().empty());
    host.pass(1s);
    const auto told = host.told();
    REQUIRE(told.size() == 1);
    CHECK(told[0].untold == 6);
    CHECK(read(host) == Sequences{1, 8, 9, 10});  // what it had in hand did not lapse
}

TEST_CASE("what was lost is known after a restart") {
    Recovered found;
    found.agent = AgentId{{1, 1}};
    found.last_destination = DestinationId{1};
    found.destinations.push_back({.type = Destination::Type::durable,
                                  .id = DestinationId{1},
                                  .kind = wire::Kind::topic,
                                  .name = "alarms",
                                  .filter = "news"});
    Gaps gaps;
    gaps.note({.channel = "news", .messages = 12, .from_micros = 5, .to_micros = 7});
    found.gaps.push_back({DestinationId{1}, gaps});
    Collecting host{{.bytes = plenty, .age = 24h}, found};
    const auto told = host.told();
    REQUIRE(told.size() == 1);
    CHECK(told[0].untold == 12);
    CHECK(told[0].from_micros == 5);
    host.pass(1s);
    CHECK(host.changes<PutGaps>() == 1);  // it was told
}

TEST_CASE("what is on disk only is read back when its time has come, and not before") {
    constexpr std::uint64_t wall = 1'700'000'000'000'000, hour = 3'600'000'000;
    for (const bool is_due : {false, true}) {
        CAPTURE(is_due);
        auto found = backlog_of({.type = Destination::Type::durable,
                                 .kind = wire::Kind::topic,
                                 .name = "alarms",
                                 .filter = "news"},
                                2, BatchId{2});
        found.streams[0].oldest_wall_micros = wall - (is_due ? 2 : 0) * hour;
        Host host{"a", 1, {}, found};
        CHECK(host.exchange->status(host.now).groups[0].oldest_millis ==
              (is_due ? 2 * 3'600'000 : 0));
        host.settings.channels = {
            {.channels = {std::nullopt, "**"}, .waiting = {}, .lapse = Bound{.age = 1h}}};
        host.exchange->reload(host.settings, host.now);
        host.pass(1s);
        REQUIRE(host.reads.size() == (is_due ? 1 : 0));
        if (!is_due) continue;
        Loaded answer{.request = host.reads[0], .entries = {}, .last = true};
        for (std::uint64_t id = 1; id <= 2; ++id)
            answer.entries.push_back({.id = BatchId{id},
                                      .batch = news(id),
                                      .messages = 1,
                                      .taken_wall_micros = wall - (id == 1 ? 2 * hour : 0)});
        host.exchange->on_journal(answer, host.now);
        host.turn();
        CHECK(host.exchange->status(host.now).groups[0].account.lapsed == 1);
        CHECK(host.exchange->status(host.now).groups[0].waiting_messages == 1);
        CHECK(host.balances());
    }
}

TEST_CASE("what has expired is no gap") {
    Collecting host{{.bytes = plenty, .age = 1h}};
    host.put(1, {.ttl_millis = 60'000});
    host.pass(2h);
    CHECK(host.group().account.expired == 1);
    CHECK(host.group().gaps.total() == 0);
}

TEST_CASE("a purge leaves what was lost before") {
    Collecting host{{.bytes = 2 * size_of(news(1)), .age = 24h}};
    for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) host.put(sequence);
    host.exchange->change_subscription({.what = SubscriptionOrder::What::purge, .name = "alarms"},
                                       host.now);
    host.turn();
    CHECK(host.group().gaps.total() == 3);
    CHECK(host.group().share_bytes == 2 * size_of(news(1)));
    host.come();
    CHECK(host.told().size() == 1);
}

TEST_CASE("a large message lapses whole, or not at all") {
    const auto part = [](std::uint64_t first, std::uint32_t index) {
        const wire::BatchHeader header{.flags = wire::batch_flag::part,
                                       .message_count = 1,
                                       .producer = producer,
                                       .sequence = first + index,
                                       .channel_sequence = first,
                                       .body_length = wire::message_overhead + 4,
                                       .channel = "news",
                                       .part = wire::Part{first, index, 3, 12}};
        const auto length = wire::encoded_header_length(header);
        std::vector<std::byte> bytes(length + header.body_length);
        wire::encode_header(header, bytes.data());
        wire::encode_message(bytes.data() + length, first + index, {}, as_bytes("part"));
        return *OwnedBatch::make(std::move(bytes));
    };
    Collecting host{{.bytes = 4 * part(1, 0).size(), .age = 24h}};
    for (std::uint32_t index = 0; index < 3; ++index) host.publish(app, 1 + index, part(1, index));
    for (std::uint32_t index = 0; index < 3; ++index) host.publish(app, 4 + index, part(4, index));
    CHECK(host.group().account.lapsed == 3);  // its parts
    CHECK(host.group().gaps.total() == 1);    // one message
    host.come();
    CHECK(read(host) == Sequences{4, 5, 6});
    CHECK(host.balances());
}

TEST_CASE("a queue holds its senders back instead") {
    Host host{"a", 1, {}};
    host.settings.journal_bytes_max = 64 * limits::MiB;
    host.settings.channels = {
        {.channels = {std::nullopt, "**"}, .waiting = {}, .lapse = Bound{.bytes = 1, .age = 1s}}};
    host.exchange->reload(host.settings, host.now);
    host.open(app, producer);
    host.publish(app, 1,
                 make_batch({.kind = wire::Kind::queue, .channel = "news", .producer = producer}));
    host.pass(1min);
    CHECK(host.exchange->status(host.now).groups[0].waiting_messages == 1);
}

TEST_CASE("best effort that nobody had room for is counted where it was wanted") {
    Collecting host{{.bytes = plenty, .age = 24h}};
    host.publish(app, 0, news(1, {.mode = wire::Mode::best_effort, .messages = 3}));
    CHECK(host.group().gaps.of(wire::Gap::Reason::best_effort) == 3);
    host.pass(1s);
    host.pass(1s);
    CHECK(host.changes<PutGaps>() == 1);
    host.come();
    const auto told = host.told();
    REQUIRE(told.size() == 1);
    CHECK(told[0].reason == wire::Gap::Reason::best_effort);
    CHECK(told[0].untold == 3);
    host.publish(app, 0, news(4, {.mode = wire::Mode::best_effort}));
    CHECK(host.group().gaps.total() == 3);
    CHECK(host.deliveries.size() == 1);
}

TEST_CASE("an anonymous subscription hears of it too, and the journal does not") {
    Host host{"a", 1, {}};
    host.open(reader);
    host.subscribe(reader, {.id = 1, .filter = "news", .prefetch_messages = 1});
    host.open(app, producer);
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence)
        host.publish(app, 0, news(sequence, {.mode = wire::Mode::best_effort}));
    host.pass(1s);
    std::size_t told = 0;
    for (const auto& reply : host.replies)
        if (const auto* gap = std::get_if<wire::Gap>(&reply)) told += gap->untold;
    CHECK(told == 2);
    CHECK(host.changes<PutGaps>() == 0);
}

TEST_CASE("what is damaged in the journal is a gap of its subscription") {
    Collecting host{{.bytes = plenty, .age = 24h}};
    host.put(1);
    Damaged damaged{.lost = {}, .reason = "a row fails its checksum"};
    damaged.lost.push_back({{DestinationId{1}, wire::Lane::normal}, BatchId{7}, BatchId{7}, 4});
    host.exchange->on_journal(damaged, host.now);
    host.turn();
    CHECK(host.group().gaps.of(wire::Gap::Reason::damaged) == 4);
    host.come();
    CHECK(host.told().size() == 1);
}

TEST_CASE("who consumed from a host that was restored hears that something may be lost") {
    TwoHosts net;
    subscribe(net.b);
    net.connect();
    net.a.open(app, producer);
    net.a.publish(app, 1, news(1));
    net.settle();
    CHECK(read(net.b) == Sequences{1});
    net.settle();
    net.disconnect();
    // b's journal is lost; what a had given it is not known there.
    net.b = Host{"b", 2, {peer("a")}, {}, 2'000};
    net.b.now = net.a.now;
    net.connect();
    net.pass(2s);
    const auto groups = net.b.exchange->status(net.b.now).groups;
    REQUIRE(groups.size() == 1);  // given back
    CHECK(groups[0].name == "news");
    CHECK(groups[0].gaps.last().reason == wire::Gap::Reason::restored);
    net.b.replies.clear();
    subscribe(net.b);
    std::size_t told = 0;
    for (const auto& reply : net.b.replies)
        if (const auto* gap = std::get_if<wire::Gap>(&reply))
            told += gap->reason == wire::Gap::Reason::restored;
    CHECK(told == 1);
}

TEST_CASE("what lapses leaves the journal in the transaction that keeps its gap") {
    Collecting host{{.bytes = 3 * size_of(news(1)), .age = 24h}};
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) host.put(sequence);
    host.transactions.clear();
    host.put(4);
    host.pass(1s);
    REQUIRE(host.changes<Settle>() == 1);
    for (const auto& transaction : host.transactions) {
        std::size_t settles = 0;
        const PutGaps* gaps = nullptr;
        for (const auto& change : transaction.changes) {
            settles += std::holds_alternative<Settle>(change);
            if (const auto* put = std::get_if<PutGaps>(&change)) gaps = put;
        }
        if (settles == 0) continue;
        REQUIRE(gaps != nullptr);
        CHECK(gaps->gaps.of(wire::Gap::Reason::lapsed) == 1);
    }
}

TEST_CASE("what was delayed lapses like anything else once it is due") {
    Collecting host{{.bytes = 2 * size_of(news(1)), .age = 1h}};
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
        const Batch batch = news(sequence, {.flags = wire::batch_flag::delayed});
        host.exchange->on_batch(
            app, {.number = sequence, .messages = 1, .delay_millis = 1000 * sequence}, batch,
            host.now);
        host.turn();
    }
    host.pass(5s);
    CHECK(host.group().account.lapsed == 1);
    host.pass(61min);
    CHECK(host.group().account.lapsed == 3);
    CHECK(host.balances());
}

TEST_CASE("a dead letter that is retried collects like anything else") {
    Collecting host{{.bytes = plenty, .age = 1h}};
    Graveyard dead{host};
    host.come();
    host.put(1);
    const auto delivery = host.next_delivery();
    REQUIRE(delivery);
    host.ack(reader, *delivery, wire::Verdict::reject);
    dead.settle();
    host.leave(reader);
    host.pass(2s);
    (void)dead.ask(DeadLetterRequest::Act::retry);
    CHECK(host.group().waiting_messages == 1);
    host.pass(61min);
    CHECK(host.group().account.lapsed == 1);
    CHECK(host.balances());
}

TEST_CASE("an app hears that its subscription stands before it hears what was lost") {
    Collecting host{{.bytes = 2 * size_of(news(1)), .age = 24h}};
    for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) host.put(sequence);
    host.journal_answers = false;
    host.exchange->change_subscription({.what = SubscriptionOrder::What::purge, .name = "alarms"},
                                       host.now);
    host.turn();
    host.come();
    host.pass(2s);
    CHECK(host.told().empty());
    host.journal_answers = true;
    host.commit();
    REQUIRE(host.replies.size() == 2);
    CHECK(std::holds_alternative<wire::Subscribed>(host.replies[0]));
    CHECK(std::holds_alternative<wire::Gap>(host.replies[1]));
}
