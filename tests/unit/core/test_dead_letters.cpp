// Dead letters are looked at, taken again where they died, and done away with.
#include "graveyard.h"
#include "stories.h"

namespace {

using Act = DeadLetterRequest::Act;

Batch message(std::uint64_t sequence, wire::Kind kind = wire::Kind::queue,
              std::uint32_t messages = 1) {
    return make_batch({.kind = kind,
                       .channel = "news",
                       .producer = producer,
                       .sequence = sequence,
                       .messages = messages});
}
DeadLetterFilter of(std::initializer_list<std::uint64_t> ids) {
    DeadLetterFilter filter;
    for (const auto id : ids) filter.ids.push_back(DeadLetterId{id});
    return filter;
}
// A host whose reader rejects.
struct Rejecting : Host {
    explicit Rejecting(wire::Kind of = wire::Kind::queue) : Host{"a", 1, {}}, kind(of) {
        core::test::subscribe(*this, kind);
        open(app, producer);
    }
    void reject(std::uint64_t sequence, std::uint32_t messages = 1) {
        publish(app, sequence, message(sequence, kind, messages));
        const auto delivery = next_delivery();
        REQUIRE(delivery);
        ack(reader, *delivery, wire::Verdict::reject);
        dead.settle();
    }
    const wire::Kind kind;
    Graveyard dead{*this};
};
std::size_t drops(const Host& host) { return host.changes<DropDeadLetter>(); }

// Part `index` of three, of the one large message.
Batch part(std::uint32_t index) {
    const wire::BatchHeader header{.kind = wire::Kind::queue,
                                   .flags = wire::batch_flag::part,
                                   .message_count = 1,
                                   .producer = producer,
                                   .sequence = 1 + index,
                                   .channel_sequence = 1,
                                   .body_length = wire::message_overhead + 4,
                                   .channel = "news",
                                   .part = wire::Part{1, index, 3, 12}};
    const auto length = wire::encoded_header_length(header);
    std::vector<std::byte> bytes(length + header.body_length);
    wire::encode_header(header, bytes.data());
    wire::encode_message(bytes.data() + length, header.sequence, {}, as_bytes("part"));
    return *OwnedBatch::make(std::move(bytes));
}
// A host whose journal has that message among its dead letters, and a queue with room for one part.
struct WithLargeLetter : Host {
    WithLargeLetter() : Host{"a", 1, {}} {
        for (std::uint32_t index = 0; index < 3; ++index)
            dead.add({.id = DeadLetterId{1 + index},
                      .type = Destination::Type::queue,
                      .destination = DestinationId{77},
                      .name = "news",
                      .agent = {},
                      .channel = {wire::Kind::queue, "news"},
                      .producer = producer,
                      .sequence = 1 + index,
                      .messages = 1,
                      .part = wire::Part{1, index, 3, 12},
                      .reason = {},
                      .batch = part(index)});
        settings.journal_bytes_max = 200;
        exchange->reload(settings, now);
    }
    Graveyard dead{*this};
};

}  // namespace

TEST_CASE("a dead letter knows its history") {
    Rejecting host;
    host.publish(app, 1, message(1, wire::Kind::queue, 3));
    const auto delivery = host.next_delivery();
    REQUIRE(delivery);
    const wire::Ack verdicts[] = {{.tag = delivery->envelope.number, .first = 0, .count = 1},
                                  {.tag = delivery->envelope.number,
                                   .first = 1,
                                   .count = 2,
                                   .verdict = wire::Verdict::reject,
                                   .reason = "no such customer"}};
    host.exchange->on_acks(reader, verdicts, host.now);
    const auto answer = host.dead.ask(Act::look);
    REQUIRE(answer.found.letters.size() == 1);
    const DeadLetter& letter = answer.found.letters.front();
    CHECK(letter.name == "news");
    CHECK(letter.type == Destination::Type::queue);
    CHECK(letter.sequence == 2);
    CHECK(letter.messages == 2);
    CHECK(letter.reason == "rejected by its consumer: no such customer");
    CHECK(letter.attempts == 1);
    CHECK(letter.taken_wall_micros > 0);
    CHECK(letter.buried_wall_micros >= letter.taken_wall_micros);
}

TEST_CASE("a retried dead letter is handed out again, marked, and is none any more") {
    wire::Kind kind = wire::Kind::queue;
    SUBCASE("of a queue") { kind = wire::Kind::queue; }
    SUBCASE("of a subscription") { kind = wire::Kind::topic; }
    Rejecting host{kind};
    host.reject(1);
    host.reject(2);
    const auto answer = host.dead.ask(Act::retry, of({1}));
    CHECK(answer.done.messages == 1);
    CHECK(answer.left.empty());
    CHECK(host.dead.letters().size() == 1);
    CHECK(read_marks(host) == Texts{"1*"});
    const auto account = host.exchange->status(host.now).groups[0].account;
    CHECK(account.taken == 3);
    CHECK(account.dead_lettered == 2);
    CHECK(account.settled == 1);
    CHECK(host.balances());
}

TEST_CASE("a dead letter goes in the transaction in which it is taken again") {
    Rejecting host;
    host.reject(1);
    host.leave(reader);
    (void)host.dead.ask(Act::retry);
    std::size_t together = 0;
    for (const auto& transaction : host.transactions) {
        bool put = false, dropped = false;
        for (const auto& change : transaction.changes) {
            if (const auto* one = std::get_if<Put>(&change))
                put = put || one->batch.header().sequence == 1;
            dropped = dropped || std::holds_alternative<DropDeadLetter>(change);
        }
        together += put && dropped;
        CHECK_FALSE((dropped && !put));
    }
    CHECK(together == 1);
}

TEST_CASE("a retried message that is consumed before it is on disk is no dead letter either") {
    Rejecting host;
    host.reject(1);
    host.exchange->ask_dead_letters(
        {.number = 9,
         .act = Act::retry,
         .find = {.filter = of({1}), .letters_max = 1, .bytes_max = 1, .with_batches = true}},
        host.now);
    host.journal_answers = false;
    host.dead.settle();
    CHECK(read_marks(host) == Texts{"1*"});
    host.journal_answers = true;
    host.commit();
    host.pass(200ms);
    host.dead.settle();
    CHECK(host.dead.letters().empty());
    REQUIRE(host.dead_letters.size() == 1);
    CHECK(host.dead_letters.front().done.messages == 1);
    CHECK(host.balances());
}

TEST_CASE("nothing is answered before it is on disk, and nothing is taken twice meanwhile") {
    Rejecting host;
    host.reject(1);
    host.leave(reader);
    host.dead.settle();
    host.journal_answers = false;
    const auto ask = [&](std::uint64_t number) {
        host.exchange->ask_dead_letters(
            {.number = number,
             .act = Act::retry,
             .find = {.filter = {}, .letters_max = 10, .bytes_max = 1, .with_batches = true}},
            host.now);
    };
    ask(1);
    ask(2);
    host.turn();
    REQUIRE(host.finds.size() == 1);
    const FindDeadLetters find = host.finds.front();
    const DeadLettersFound found{.request = find,
                                 .letters = {host.dead.letters().begin()->second},
                                 .totals = {},
                                 .last = true};
    host.finds.clear();
    host.exchange->on_journal(found, host.now);
    host.turn();
    REQUIRE(host.finds.size() == 1);
    host.exchange->on_journal(found, host.now);
    host.turn();
    CHECK(host.dead_letters.empty());
    host.journal_answers = true;
    host.commit();
    REQUIRE(host.dead_letters.size() == 2);
    CHECK(host.dead_letters[0].done.messages == 1);
    CHECK(host.dead_letters[1].request.number == 2);
    CHECK(host.dead_letters[1].done.messages == 0);
    CHECK(host.exchange->status(host.now).groups[0].waiting_messages == 1);
}

TEST_CASE("a dry run tells what would happen, and nothing does") {
    Rejecting host;
    host.reject(1);
    for (const Act act : {Act::retry, Act::purge}) {
        const auto answer = host.dead.ask(act, {}, true);
        CHECK(answer.done.messages == 1);
        CHECK(host.dead.letters().size() == 1);
    }
    CHECK(drops(host) == 0);
    CHECK(host.deliveries.empty());
}

TEST_CASE("what is purged is gone for good") {
    Rejecting host;
    for (std::uint64_t n = 1; n <= 3; ++n) host.reject(n);
    const auto answer = host.dead.ask(Act::purge, of({1, 3}));
    CHECK(answer.done.letters == 2);
    CHECK(host.dead.letters().size() == 1);
    CHECK(host.dead.letters().begin()->first == DeadLetterId{2});
    CHECK(host.balances());
}

TEST_CASE("a page at a time") {
    Rejecting host;
    for (std::uint64_t n = 1; n <= 5; ++n) host.reject(n);
    const auto first = host.dead.ask(Act::purge, {}, false, 2);
    CHECK_FALSE(first.found.last);
    CHECK(first.done.letters == 2);
    const auto second = host.dead.ask(Act::purge, {}, false, 10);
    CHECK(second.found.last);
    CHECK(second.done.letters == 3);
}

TEST_CASE("a destination that is gone is named, and its dead letter stays") {
    SUBCASE("a durable subscription") {
        Rejecting host{wire::Kind::topic};
        host.reject(1);
        wire::Unsubscribe forget;
        forget.id = 1;
        forget.forget = true;
        host.exchange->on_command(reader, forget, host.now);
        const auto answer = host.dead.ask(Act::retry);
        CHECK(answer.done.messages == 0);
        REQUIRE(answer.left.size() == 1);
        CHECK(answer.left.front().why == "there is no durable subscription news any more");
        CHECK(answer.left.front().count.messages == 1);
        CHECK(host.dead.letters().size() == 1);
    }
    SUBCASE("a queue is made anew") {
        Host host{"a", 1, {}};
        Graveyard dead{host};
        const Batch batch = message(4);
        dead.add({.id = DeadLetterId{3},
                  .type = Destination::Type::queue,
                  .destination = DestinationId{77},
                  .name = "news",
                  .agent = {},
                  .channel = {wire::Kind::queue, "news"},
                  .messages = 1,
                  .part = std::nullopt,
                  .reason = {},
                  .batch = batch});
        CHECK(dead.ask(Act::retry).done.messages == 1);
        subscribe(host, wire::Kind::queue);
        CHECK(read_marks(host) == Texts{"4*"});
    }
}

TEST_CASE("what an agent was owed is owed to it again, flagged") {
    TwoHosts hosts;
    subscribe(hosts.b);
    hosts.connect();
    hosts.disconnect();
    hosts.a.open(app, producer);
    hosts.a.settings.peers[0].waiting.age = 10s;
    hosts.a.exchange->reload(hosts.a.settings, hosts.a.now);
    Graveyard dead{hosts.a};
    hosts.a.publish(app, 1, message(1, wire::Kind::topic));
    dead.settle();
    hosts.pass(12s);
    dead.settle();
    REQUIRE(dead.letters().size() == 1);
    CHECK(dead.letters().begin()->second.type == Destination::Type::agent);
    CHECK(dead.ask(Act::retry).done.messages == 1);
    hosts.connect();
    CHECK(read_marks(hosts.b) == Texts{"1*"});
    CHECK(hosts.a.balances());
}

TEST_CASE("a damaged dead letter and an incomplete large message stay") {
    Rejecting host;
    host.reject(1);
    DeadLetter damaged = host.dead.letters().begin()->second;
    DeadLetter part = damaged;
    damaged.id = DeadLetterId{10};
    damaged.batch = {};
    part.id = DeadLetterId{11};
    part.has_rest = false;
    host.dead.add(damaged);
    host.dead.add(part);
    const auto answer = host.dead.ask(Act::retry, of({10, 11}));
    REQUIRE(answer.left.size() == 2);
    CHECK(answer.left[0].why == "it is damaged in the journal");
    CHECK(answer.left[1].why == "parts of this large message are missing");
    CHECK(host.dead.letters().size() == 3);
}

TEST_CASE("a large message is taken again whole, or not at all") {
    const std::string full = "a backlog has reached its share of the journal";
    SUBCASE("the limit that its beginning reaches does not cut it") {
        WithLargeLetter host;
        CHECK(host.dead.ask(Act::retry).done.letters == 3);
        subscribe(host, wire::Kind::queue);
        CHECK(read_marks(host) == Texts{"1*", "2*", "3*"});
    }
    SUBCASE("nor does the end of a page") {
        WithLargeLetter host;
        CHECK(host.dead.ask(Act::retry, {}, false, 2).done.letters == 2);
        CHECK(host.dead.ask(Act::retry, {}, false, 2).done.letters == 1);
    }
    SUBCASE("where its beginning stays, all of it does") {
        WithLargeLetter host;
        host.open(app, ProducerId{{8, 8}});
        host.publish(app, 1,
                     make_batch({.kind = wire::Kind::queue,
                                 .channel = "news",
                                 .producer = ProducerId{{8, 8}},
                                 .payload = 200}));
        const auto answer = host.dead.ask(Act::retry);
        CHECK(answer.done.letters == 0);
        REQUIRE(answer.left.size() == 1);
        CHECK(answer.left.front().why == full);
        CHECK(answer.left.front().count.letters == 3);
        subscribe(host, wire::Kind::queue);
        CHECK(read(host) == Sequences{1});
        CHECK(host.dead.ask(Act::retry).done.letters == 3);  // there is room again
    }
}
