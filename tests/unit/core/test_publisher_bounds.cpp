// What this host's publishers may bring, on channels or of one user: so many bytes and messages in
// the journal, so many messages a second; and, on channels, so long, whoever it is owed to.
#include "core/publisher_bounds.h"

#include "core/stream.h"

#include "network.h"
#include "stories.h"

namespace {

constexpr std::uint64_t hour = 3'600'000'000, wall_start = 1'700'000'000'000'000;

Batch on(const std::string& channel, std::uint64_t sequence, std::size_t payload = 5) {
    return make_batch({.channel = channel,
                       .producer = producer,
                       .sequence = sequence,
                       .channel_sequence = sequence,
                       .payload = payload});
}
void bound(Host& host, std::vector<ChannelSettings> bounds) {
    host.settings.channels = std::move(bounds);
    host.exchange->reload(host.settings, host.now);
    host.turn();
}
ChannelSettings of(const std::string& filter, Bound waiting,
                   std::optional<wire::Kind> kind = std::nullopt) {
    return {.channels = {kind, filter}, .waiting = {waiting}};
}
// What the host asked its journal to watch last.
const Watch* asked(const Host& host) {
    const Watch* last = nullptr;
    for (const auto& transaction : host.transactions)
        for (const auto& change : transaction.changes)
            if (const auto* watch = std::get_if<Watch>(&change)) last = watch;
    return last;
}
// What waits of the one bound.
void tell(Host& host, std::uint64_t bytes, std::uint64_t messages = 0) {
    const std::vector<Watched::Total> all{{.bytes = bytes, .messages = messages}};
    host.exchange->on_journal(Watched{asked(host)->version, all}, host.now);
    host.turn();
}
template <class T>
Texts told(const Host& host) {
    Texts found;
    for (const auto& reply : host.replies)
        if (const auto* one = std::get_if<T>(&reply))
            for (const auto& channel : one->channels) found.push_back(channel.filter);
    return found;
}
Texts held(const Host& host) { return told<wire::Hold>(host); }
Texts resumed(const Host& host) { return told<wire::Resume>(host); }
// "5 reason": the first sequence of each batch that became a dead letter.
Texts buried(const Host& host) {
    Texts found;
    for (const auto& transaction : host.transactions)
        for (const auto& change : transaction.changes)
            if (const auto* bury = std::get_if<Bury>(&change))
                found.push_back(std::to_string(bury->batch.header().sequence) + " " + bury->reason);
    return found;
}
// A durable subscription of everything, whose app is away.
struct Collecting : Host {
    Collecting() : Host("a", 1, {}) {
        open(reader);
        subscribe(reader, {.id = 1, .filter = "**", .durable = "all"});
        leave(reader);
        open(app, producer);
    }
    void put(const std::string& channel, std::uint64_t sequence) {
        publish(app, sequence, on(channel, sequence));
    }
    Sequences read_all() {
        open(reader);
        subscribe(reader, {.id = 1, .filter = "**", .durable = "all"});
        return read(*this);
    }
};

// Of a large message of three.
Batch part(const std::string& channel, std::uint32_t index) {
    const wire::BatchHeader header{.flags = wire::batch_flag::part,
                                   .message_count = 1,
                                   .producer = producer,
                                   .sequence = 1 + index,
                                   .channel_sequence = 1,
                                   .body_length = wire::message_overhead + 4,
                                   .channel = channel,
                                   .part = wire::Part{1, index, 3, 12}};
    const auto length = wire::encoded_header_length(header);
    std::vector<std::byte> bytes(length + header.body_length);
    wire::encode_header(header, bytes.data());
    wire::encode_message(bytes.data() + length, 1 + index, {}, as_bytes("part"));
    auto batch = OwnedBatch::make(std::move(bytes));
    BUS_ASSERT(batch.has_value());
    return *batch;
}

}  // namespace

TEST_CASE("at their bytes the channels of a bound are held back, and go on when there is room") {
    Collecting host;
    bound(host, {of("sensors.**", {.bytes = 100'000'000})});
    REQUIRE(asked(host) != nullptr);
    CHECK(asked(host)->all.front().channels.filter == "sensors.**");
    host.put("sensors.a", 1);
    tell(host, 99'999'999);
    host.put("sensors.a", 2);
    CHECK(held(host).empty());
    tell(host, 100'000'000);
    host.put("orders", 3);
    host.put("sensors.a", 4);
    host.put("sensors.b", 5);
    host.put("sensors.b", 6);
    CHECK(held(host) == Texts{"sensors.a", "sensors.b"});
    const auto status = host.exchange->status(host.now);
    REQUIRE(status.channels.size() == 1);
    CHECK(status.channels[0].of == "sensors.**");
    CHECK(status.channels[0].waiting_bytes == 100'000'000);
    CHECK(status.channels[0].holding);
    bool named = false;
    for (const auto& finding : host.exchange->diagnose_why("sensors.a", host.now).findings)
        named = named || finding.words.find(
                             "what waits on sensors.** has reached its limit, "
                             "100000000 bytes") != std::string::npos;
    CHECK(named);
    tell(host, 99'000'000);  // not yet whole windows
    CHECK(resumed(host).empty());
    tell(host, 80'000'000);
    CHECK(resumed(host) == Texts{"sensors.a", "sensors.b"});
    host.put("sensors.a", 7);
    CHECK(held(host).size() == 2);
}

TEST_CASE("a bound of queues is none of topics") {
    Collecting host;
    bound(host, {of("jobs", {.bytes = 1'000'000}, wire::Kind::queue)});
    tell(host, 2'000'000);
    host.put("jobs", 1);
    CHECK(held(host).empty());
    CHECK(host.exchange->status(host.now).channels[0].of == "queue jobs");
}

TEST_CASE("a bound that is larger, or gone, lets go at once") {
    for (const bool is_gone : {false, true}) {
        CAPTURE(is_gone);
        Collecting host;
        bound(host, {of("sensors.**", {.bytes = 1'000'000})});
        tell(host, 2'000'000);
        host.put("sensors.a", 1);
        REQUIRE(held(host).size() == 1);
        const auto version = asked(host)->version;
        if (is_gone)
            bound(host, {});
        else
            bound(host, {of("sensors.**", {.bytes = 10'000'000})});
        CHECK(resumed(host) == Texts{"sensors.a"});
        CHECK(asked(host)->version == version + (is_gone ? 1 : 0));  // the same are not asked again
        host.exchange->on_journal(Watched{version, {{3'000'000}}}, host.now);  // on its way since
        host.turn();
        CHECK(held(host).size() == 1);
    }
}

TEST_CASE("what has waited too long on a channel goes, wherever it stands") {
    Collecting host;
    bound(host, {of("sensors.**", {.age = 1h})});
    host.put("orders", 1);
    host.put("sensors.a", 2);
    host.put("orders", 3);
    host.pass(30min);
    host.put("sensors.b", 4);
    host.pass(31min);
    CHECK(buried(host) == Texts{"2 it waited longer than 1 h on sensors.**"});
    CHECK(host.events.back().kind == Event::Kind::overdue_buried);
    CHECK(host.read_all() == Sequences{1, 3, 4});
    CHECK(host.balances());
}

TEST_CASE("what a consumer has is not too old") {
    Host host{"a", 1, {}};
    subscribe(host);
    host.open(app, producer);
    host.publish(app, 1, on("news", 1));
    bound(host, {of("news", {.age = 1h})});
    host.pass(2h);
    CHECK(buried(host).empty());
    CHECK(read(host) == Sequences{1});
}

TEST_CASE("the same for an agent that is away") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1]);
    net.settle();
    net.disconnect(0, 1);
    bound(net[0], {of("n*", {.age = 1h}), of("news", {.age = 1h})});
    net[0].open(app, producer);
    net[0].publish(app, 1, on("news", 1));
    net.pass(40min);
    net[0].publish(app, 2, on("news", 2));
    net.pass(21min);
    CHECK(buried(net[0]).size() == 1);
    net.connect(0, 1);
    net.settle();
    CHECK(read(net[1]) == Sequences{2});
    CHECK(net[0].balances());
}

TEST_CASE("what is on disk only is looked for, a slice at a time, and read back without it") {
    Recovered found = backlog_of({.type = Destination::Type::durable,
                                  .name = "all",
                                  .filter = "**",
                                  .group = {},
                                  .agent = {}},
                                 4, BatchId{9});
    Host host{"a", 1, {}, std::move(found)};
    const auto row = [](std::uint64_t id, const std::string& channel, std::uint64_t hours) {
        return LoadedEntry{.id = BatchId{id},
                           .batch = on(channel, id),
                           .messages = 1,
                           .source = {},
                           .taken_wall_micros = wall_start - hours * hour};
    };
    host.journal_answers = false;
    bound(host, {of("sensors.**", {.age = 2h})});
    host.commit();
    host.pass(1s);
    REQUIRE(host.reads.size() == 1);
    const ReadBack first = host.reads.back();
    REQUIRE(first.old.has_value());
    CHECK(first.after == BatchId{0});
    CHECK(first.old->channels.filter == "sensors.**");
    CHECK(first.old->before_wall_micros == wall_start - 2 * hour + 1'000'000);
    host.exchange->on_journal(Loaded{first, {row(2, "sensors.a", 5)}, false, BatchId{2}, 0},
                              host.now);
    host.turn();
    CHECK(buried(host).size() == 1);

    host.open(reader);
    host.subscribe(reader, {.id = 1, .filter = "**", .durable = "all"});
    host.pass(1s);
    CHECK(host.reads.size() == 1);  // the row may be there yet
    host.commit();
    REQUIRE(host.reads.size() == 2);  // the rest of the old goes before
    const ReadBack second = host.reads.back();
    CHECK(second.after == BatchId{2});
    host.exchange->on_journal(Loaded{second, {}, true, BatchId{7}, wall_start - 1 * hour},
                              host.now);
    host.pass(1s);
    REQUIRE(host.reads.size() == 3);
    CHECK_FALSE(host.reads.back().old.has_value());
    host.exchange->on_journal(
        Loaded{host.reads.back(),
               {row(1, "orders", 6), row(7, "orders", 4), row(9, "sensors.b", 1)},
               true},
        host.now);
    host.turn();
    CHECK(read(host) == Sequences{1, 7, 9});
    host.commit();
    CHECK(host.balances());
    CHECK(host.exchange->status(host.now).groups[0].waiting_messages == 0);
}

TEST_CASE("what is young on disk is not looked for again before it is old") {
    Recovered found = backlog_of({.type = Destination::Type::queue,
                                  .kind = wire::Kind::queue,
                                  .name = "jobs",
                                  .filter = {},
                                  .group = {},
                                  .agent = {}},
                                 2, BatchId{2});
    Host host{"a", 1, {}, std::move(found)};
    bound(host, {of("jobs", {.age = 2h})});
    host.pass(1s);
    REQUIRE(host.reads.size() == 1);
    host.exchange->on_journal(Loaded{host.reads[0], {}, true, BatchId{0}, wall_start - hour},
                              host.now);
    host.turn();
    for (int minute = 0; minute < 59; ++minute) host.pass(1min);
    CHECK(host.reads.size() == 1);
    host.pass(1min);
    CHECK(host.reads.size() == 2);
    SUBCASE("unless the limit is lower") {
        host.exchange->on_journal(
            Loaded{host.reads[1], {}, true, BatchId{0}, wall_start + 10 * hour}, host.now);
        host.pass(1min);
        REQUIRE(host.reads.size() == 2);
        bound(host, {of("**", {.age = 1min})});
        host.pass(1s);
        CHECK(host.reads.size() == 3);
    }
}

TEST_CASE("a large message goes whole, and its rest when it comes to the front") {
    Collecting host;
    bound(host, {of("sensors.**", {.age = 1h})});
    host.publish(app, 1, part("sensors.a", 0));
    host.pass(30min);
    host.publish(app, 2, part("sensors.a", 1));
    host.publish(app, 3, part("sensors.a", 2));
    host.publish(app, 4, on("orders", 4));
    host.pass(31min);
    CHECK(buried(host).size() == 1);
    CHECK(host.read_all() == Sequences{4});
    host.pass(1s);
    CHECK(buried(host).size() == 3);
    CHECK(host.balances());
    CHECK(host.exchange->status(host.now).groups[0].waiting_messages == 0);
}

TEST_CASE("what a peer sends is taken all the same") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1]);
    bound(net[1], {of("news", {.bytes = 1'000'000})});
    net.settle();
    tell(net[1], {2'000'000});
    net[0].open(app, producer);
    for (std::uint64_t n = 1; n <= 2; ++n) {
        net[0].publish(app, n, on("news", n));
        net.settle();
    }
    CHECK(read(net[1]) == Sequences{1, 2});
    CHECK(held(net[0]).empty());
}

TEST_CASE("HOLD spares the rest of a large message that has begun to leave, and nothing else") {
    const StreamId id{DestinationId{1}, wire::Lane::normal};
    Keeper keeper{Recovered{}, Time{}, 0};
    Stream stream{id};
    HeldChannels held;
    BegunMessages begun;
    const auto push = [&](const Batch& batch) {
        stream.push({keeper.take(batch, {{id, 0}}, never), 0});
    };
    const auto next = [&] {
        const Entry* const entry = stream.front(held, begun);
        if (entry == nullptr) return std::uint64_t{0};
        const Entry taken = stream.pop();
        begun.note_left(taken.batch().header());
        keeper.settle(taken, Settlement::settled);
        return taken.batch().header().sequence;
    };
    push(part("news", 0));
    CHECK(next() == 1);
    held.hold({wire::Kind::topic, "news"});
    push(on("news", 70));
    push(part("news", 1));
    CHECK(next() == 2);
    push(part("news", 2));
    push(on("news", 71));
    CHECK(next() == 3);
    CHECK(next() == 0);
    SUBCASE("in order, when it goes on") {
        held.resume({wire::Kind::topic, "news"});
        CHECK(next() == 70);
        CHECK(next() == 71);
    }
    SUBCASE("but not what has not begun, nor what waits aside with its beginning") {
        push(part("news", 0));
        push(part("news", 1));
        CHECK(next() == 0);
        held.resume({wire::Kind::topic, "news"});
        CHECK(next() == 70);
        CHECK(next() == 71);
        CHECK(next() == 1);
        held.hold({wire::Kind::topic, "news"});
        CHECK(next() == 2);
        CHECK(next() == 0);
    }
    SUBCASE("nor where the rules changed") {
        push(part("news", 0));
        held.resume({wire::Kind::topic, "news"});
        while (next() != 0) {
        }
        held.set_rules([](wire::Kind, std::string_view) { return false; });
        push(part("news", 1));
        CHECK(next() == 0);
    }
}

// ---- Messages, rates, users ---------------------------------------------------------------

namespace {

ChannelSettings at_most(const std::string& filter, PublisherBound waiting) {
    return {.channels = {std::nullopt, filter}, .waiting = waiting};
}
PublisherBound messages(std::uint64_t most, AtLimit at_limit = AtLimit::hold) {
    PublisherBound bound;
    bound.messages = most;
    bound.at_limit = at_limit;
    return bound;
}
PublisherBound rate(std::uint32_t a_second, AtLimit at_limit = AtLimit::hold) {
    PublisherBound bound;
    bound.rate = a_second;
    bound.at_limit = at_limit;
    return bound;
}
void bound_app(Host& host, std::uint32_t uid, AppBound bound) {
    host.settings.app_bounds = {{uid, bound}};
    host.exchange->reload(host.settings, host.now);
    host.turn();
}
Texts refused(const Host& host) {
    Texts reasons;
    for (const auto& reply : host.replies)
        if (const auto* one = std::get_if<wire::Refused>(&reply)) reasons.push_back(one->reason);
    return reasons;
}
void pass_time(Host& host, Duration time) {
    host.now += time;
    host.turn();
}

}  // namespace

TEST_CASE("so many messages may wait on channels, however small") {
    Collecting host;
    bound(host, {at_most("sensors.**", messages(100))});
    host.put("sensors.a", 1);
    tell(host, 5'000, 99);
    host.put("sensors.a", 2);
    CHECK(held(host).empty());
    tell(host, 5'000, 100);
    host.put("sensors.a", 3);
    CHECK(held(host) == Texts{"sensors.a"});
    CHECK(host.exchange->status(host.now).channels[0].waiting_messages == 100);
    tell(host, 5'000, 75);
    CHECK(resumed(host).empty());
    tell(host, 5'000, 74);
    CHECK(resumed(host) == Texts{"sensors.a"});
}

TEST_CASE("a rate holds publishers back until some time has gone by, and not for ever") {
    Collecting host;
    bound(host, {at_most("sensors.**", rate(10))});
    const auto events = host.events.size();
    host.put("sensors.a", 1);
    host.put("sensors.a", 2);
    CHECK(held(host).empty());  // a quarter of a second's worth at once
    host.put("sensors.a", 3);
    host.put("orders", 4);
    CHECK(held(host) == Texts{"sensors.a"});
    CHECK(host.events.size() == events);  // it may be so several times a second
    REQUIRE(host.exchange->next_deadline() < host.now + 1s);
    pass_time(host, 100ms);
    CHECK(resumed(host).empty());
    pass_time(host, 200ms);
    CHECK(resumed(host) == Texts{"sensors.a"});
    CHECK_FALSE(host.exchange->status(host.now).channels[0].holding);
}

TEST_CASE("over a long time a rate is kept") {
    Collecting host;
    bound(host, {at_most("sensors.**", rate(100))});
    std::uint64_t sequence = 0;
    const Time begin = host.now;
    while (host.now < begin + 20s) {
        if (held(host).size() == resumed(host).size())
            host.put("sensors.a", ++sequence);
        else
            pass_time(host, 10ms);
    }
    CHECK(sequence >= 1'950);
    CHECK(sequence <= 2'050);
}

TEST_CASE("best effort beyond a rate is dropped, and counted") {
    Collecting host;
    host.open(reader);
    host.subscribe(reader, {.id = 2, .filter = "sensors.**"});
    bound(host, {at_most("sensors.**", rate(10))});
    for (std::uint64_t sequence = 1; sequence <= 20; ++sequence)
        host.publish(app, 0,
                     make_batch({.mode = wire::Mode::best_effort,
                                 .channel = "sensors.a",
                                 .producer = producer,
                                 .sequence = sequence}));
    const auto dropped = host.exchange->status(host.now).best_effort_dropped;
    CHECK(dropped >= 15);
    CHECK(dropped < 20);
    CHECK(held(host).empty());
}

TEST_CASE("where publishers are refused they hear why, and what is below the bound is taken") {
    Collecting host;
    bound(host, {at_most("sensors.**", messages(100, AtLimit::refuse))});
    tell(host, 5'000, 100);
    host.put("sensors.a", 1);
    host.put("orders", 2);
    CHECK(refused(host) == Texts{"what waits on sensors.** has reached its limit, 100 messages"});
    CHECK(held(host).empty());
    const auto status = host.exchange->status(host.now).channels[0];
    CHECK(status.refused == 1);
    CHECK(status.refuses);
    tell(host, 5'000, 10);
    host.put("sensors.a", 3);
    CHECK(refused(host).size() == 1);
    CHECK(host.read_all() == Sequences{2, 3});
    CHECK(host.balances());
}

TEST_CASE("of a large message the beginning is judged: all of it, or nothing") {
    Collecting host;
    bound(host, {at_most("sensors.**", messages(100, AtLimit::refuse))});
    tell(host, 5'000, 100);
    for (std::uint32_t index = 0; index < 3; ++index)
        host.publish(app, 1 + index, part("sensors.a", index));
    CHECK(refused(host).size() == 3);
    CHECK(host.exchange->status(host.now).channels[0].refused == 1);
    CHECK(host.balances());
}

TEST_CASE("a large message that has begun goes on beyond the bound") {
    Collecting host;
    bound(host, {at_most("sensors.**", messages(100, AtLimit::refuse))});
    host.publish(app, 1, part("sensors.a", 0));
    tell(host, 5'000, 100);
    host.publish(app, 2, part("sensors.a", 1));
    host.publish(app, 3, part("sensors.a", 2));
    CHECK(refused(host).empty());
    CHECK(host.balances());
}

TEST_CASE("one user at its limit waits, whatever it publishes, and nobody else does") {
    Collecting host;
    bound_app(host, 1'000, {.waiting = messages(100), .subscriptions = 0});
    const SessionId other{50};
    const ProducerId of_other{{50, 50}};
    host.open(other, of_other, 2'000);
    REQUIRE(asked(host)->all.front().owner == owner_of(1'000));
    tell(host, 5'000, 100);
    host.put("sensors.a", 1);
    CHECK(held(host) == Texts{"**"});
    host.publish(other, 1,
                 make_batch({.channel = "sensors.a", .producer = of_other, .sequence = 1}));
    CHECK(held(host) == Texts{"**"});
    const auto status = host.exchange->status(host.now);
    CHECK(status.channels.empty());
    REQUIRE(status.apps.size() == 1);
    CHECK(status.apps[0].of == "uid 1000");
    CHECK(status.apps[0].holding);
    tell(host, 1'000, 20);
    CHECK(resumed(host) == Texts{"**"});
}

TEST_CASE("a producer that comes while its user is at its limit is told so at once") {
    Collecting host;
    bound_app(host, 1'000, {.waiting = messages(100), .subscriptions = 0});
    tell(host, 5'000, 100);
    host.leave(app);
    host.replies.clear();
    host.open(app, producer);
    const auto* const welcome = std::get_if<wire::Welcome>(&host.replies.back());
    REQUIRE(welcome != nullptr);
    REQUIRE(welcome->held.size() == 1);
    CHECK(welcome->held[0].filter == "**");
    CHECK(welcome->held[0].reason == "what waits of uid 1000 has reached its limit, 100 messages");
}

TEST_CASE("who has published what waits is known to the journal") {
    Collecting host;
    host.put("sensors.a", 1);
    host.pass(1s);
    std::vector<Owner> owners;
    for (const auto& transaction : host.transactions)
        for (const auto& change : transaction.changes)
            if (const auto* put = std::get_if<Put>(&change)) owners.push_back(put->owner);
    CHECK(owners == std::vector<Owner>{owner_of(1'000)});
}

TEST_CASE("a user may have so many durable subscriptions, and those it has go on") {
    Host host{"a", 1, {}};
    host.open(reader);
    host.subscribe(reader, {.id = 1, .filter = "a", .durable = "one"});
    bound_app(host, 1'000, {.waiting = {}, .subscriptions = 2});
    host.subscribe(reader, {.id = 2, .filter = "a", .group = "two"});
    host.subscribe(reader, {.id = 3, .filter = "a"});  // lives with its session
    host.replies.clear();
    host.subscribe(reader, {.id = 4, .filter = "a", .durable = "three"});
    const auto* const failed = std::get_if<wire::Failed>(&host.replies.back());
    REQUIRE(failed != nullptr);
    CHECK(failed->code == wire::Reject::limit);
    CHECK(failed->reason.find("uid 1000 has 2 durable subscriptions, as many as it may") == 0);
    host.leave(reader);
    host.open(reader);
    host.replies.clear();
    host.subscribe(reader, {.id = 1, .filter = "a", .durable = "one"});
    CHECK(std::get_if<wire::Failed>(&host.replies.back()) == nullptr);
}

TEST_CASE("a rate that is taken away lets go at once") {
    Collecting host;
    bound(host, {at_most("sensors.**", rate(1))});
    for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) host.put("sensors.a", sequence);
    REQUIRE(held(host) == Texts{"sensors.a"});
    SUBCASE("with its channels") { bound(host, {}); }
    SUBCASE("alone") { bound(host, {at_most("sensors.**", messages(1'000))}); }
    SUBCASE("for refusals") { bound(host, {at_most("sensors.**", rate(1, AtLimit::refuse))}); }
    CHECK(resumed(host) == Texts{"sensors.a"});
}
