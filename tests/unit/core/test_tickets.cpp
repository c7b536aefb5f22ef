// Tickets: who comes back with another journal than the one it had is known
// before data crosses, and has a way on.
#include "core/tickets.h"

#include <doctest/doctest.h>

#include "hosts.h"
#include "limits.h"

namespace bus::core::test {
namespace {

using namespace std::chrono_literals;
using Kind = Event::Kind;

constexpr SessionId app{1}, reader{2};
constexpr ProducerId producer{{7, 7}};

wire::Subscribe all_news() {
    wire::Subscribe wanted;
    wanted.id = 1;
    wanted.filter = "news";
    wanted.durable = "d";
    return wanted;
}

// What is in a host's journal of its peer now, as a backup has it.
Recovered backup_of(const Host& host) {
    static std::uint64_t starts = 0;
    Recovered backup;
    backup.nonce = 1'000 + ++starts;
    std::optional<PutPeer> peer;
    std::optional<PeerMark> mark;
    for (const auto& transaction : host.transactions)
        for (const auto& change : transaction.changes) {
            if (const auto* put = std::get_if<PutPeer>(&change)) peer = *put;
            if (const auto* put = std::get_if<PeerMark>(&change)) mark = *put;
        }
    if (peer) backup.peers.push_back(*peer);
    if (mark) backup.peer_marks.push_back(*mark);
    return backup;
}

std::optional<std::string> said(const Host& host, Kind kind) {
    for (auto at = host.events.rbegin(); at != host.events.rend(); ++at)
        if (at->kind == kind) return at->words;
    return std::nullopt;
}

bool has(const std::optional<std::string>& words, const std::string& part) {
    return words && words->find(part) != std::string::npos;
}

// "a" publishes to a subscription of "b"; each message is a frame of its own.
struct Story : TwoHosts {
    std::uint64_t published = 0;
    std::uint64_t starts = 1'000;

    Story() {
        b.open(reader);
        b.subscribe(reader, all_news());
        a.open(app, producer);
        connect();
    }
    void publish(std::uint64_t messages) {
        for (std::uint64_t i = 0; i < messages; ++i, ++published)
            a.publish(app, published + 1,
                      make_batch({.channel = "news",
                                  .producer = producer,
                                  .sequence = published + 1,
                                  .channel_sequence = published + 1}));
        settle();
        pass(50ms);
    }
    void start(Host& host, Recovered with) {
        const bool is_a = &host == &a;
        const auto now = host.now;
        host = is_a ? Host{"a", 1, {peer("b")}, std::move(with), ++starts}
                    : Host{"b", 2, {peer("a")}, std::move(with), ++starts};
        host.now = now;
        host.exchange->advance(now);
    }
    void reconnect() {
        a.events.clear();
        b.events.clear();
        connect();
    }
    bool linked() { return said(a, Kind::link_up) && said(b, Kind::link_up); }
};

}  // namespace

TEST_CASE("a ticket is judged by what the two agents know of it") {
    const wire::Ticket first{{1, 11}}, second{{2, 22}}, third{{3, 33}};
    wire::LinkHello hello;
    hello.tickets = true;
    const auto judged = [&](const Tickets& tickets, const wire::Ticket& presented,
                            bool just_rotated = false) {
        hello.ticket = presented;
        return judge(tickets, hello, just_rotated);
    };
    const Tickets none{}, unconfirmed{.issued = second, .before = first},
        confirmed{.issued = second, .before = first, .confirmed = true};
    CHECK(judged(none, {}) == Standing::good);
    CHECK(judged(none, second) == Standing::lost_mine);
    CHECK(judged(unconfirmed, first) == Standing::good);
    CHECK(judged(unconfirmed, second) == Standing::good);
    CHECK(judged(confirmed, second) == Standing::good);
    CHECK(judged(confirmed, first) == Standing::stale_theirs);
    CHECK(judged(confirmed, first, true) == Standing::good);
    CHECK(judged(confirmed, third) == Standing::stale_mine);
    CHECK(judged(confirmed, {{2, 99}}) == Standing::forked);
    CHECK(judged(confirmed, {}) == Standing::lost_theirs);
    CHECK(judged({.issued = first}, {}) == Standing::good);  // the very first never got there
    hello.rejoins = true;
    CHECK(judged(confirmed, first) == Standing::rejoins);
    hello.tickets = hello.rejoins = false;
    CHECK(judged(confirmed, {}) == Standing::good);  // an agent that knows none
}

TEST_CASE("data waits until the peer has its new ticket on disk") {
    TwoHosts hosts;
    hosts.b.journal_answers = false;
    hosts.b.open(reader);
    hosts.b.subscribe(reader, all_news());
    hosts.a.open(app, producer);
    hosts.connect();
    hosts.a.publish(app, 1, make_batch({.channel = "news", .producer = producer}));
    hosts.settle();
    CHECK(hosts.b.deliveries.empty());
    hosts.b.journal_answers = true;
    hosts.b.commit();
    hosts.settle();
    CHECK(hosts.b.deliveries.size() == 1);
}

TEST_CASE("a restored backup is refused by name, at both ends, until it rejoins") {
    Story story;
    story.publish(3);
    const Recovered backup = backup_of(story.b);
    story.disconnect();
    story.reconnect();  // another session: another ticket
    REQUIRE(story.linked());
    story.publish(4);
    story.disconnect();
    story.start(story.b, backup);
    story.reconnect();

    CHECK_FALSE(said(story.a, Kind::link_up));
    CHECK_FALSE(said(story.b, Kind::link_up));
    for (const Host* host : {&story.a, &story.b}) {
        CHECK(has(said(*host, Kind::link_refused), "b was restored from a backup or cloned"));
        CHECK(has(said(*host, Kind::link_refused), "`bus peer rejoin a` on b"));
    }
    CHECK(story.b.deliveries.empty());

    SUBCASE("by its own operator") {
        CHECK(story.b.exchange->rejoin("a", story.b.now) == Rejoin::done);
    }
    SUBCASE("or by the other one's") {
        CHECK(story.a.exchange->rejoin("b", story.a.now) == Rejoin::done);
    }
    story.settle();
    story.disconnect();
    story.reconnect();
    CHECK(story.linked());
    const bool told = has(said(story.a, Kind::history_lost), "batches 4 to 7") ||
                      has(said(story.b, Kind::history_lost), "batches 4 to 7");
    CHECK(told);
    CHECK(story.a.exchange->rejoin("b", story.a.now) == Rejoin::linked);
    // And from then on it is an acquaintance like any other.
    const Recovered later = backup_of(story.b);
    story.disconnect();
    story.start(story.b, later);
    story.reconnect();
    CHECK(story.linked());
    CHECK_FALSE(said(story.a, Kind::history_lost));
}

TEST_CASE("who is about to be refused may rejoin, though its side of the session is open") {
    Story story;
    story.publish(1);
    story.disconnect();
    story.reconnect();
    Recovered backup = backup_of(story.b);
    wire::Ticket& held = backup.peers.front().tickets.held;
    held = {{held.words[0] - 1, 5}};  // it was made just before this ticket was on disk
    story.disconnect();
    story.start(story.b, backup);
    story.a.events.clear();
    story.a.exchange->on_link_up(LinkId{9}, "key-b", true, story.a.now);
    story.b.exchange->on_link_up(LinkId{9}, "key-a", false, story.b.now);
    story.a.turn();
    REQUIRE(TwoHosts::carry(story.a, story.b));
    CHECK(said(story.b, Kind::link_up));  // what it knows of the other one is true
    CHECK(story.b.exchange->rejoin("a", story.b.now) == Rejoin::done);
    story.settle();
    CHECK(has(said(story.a, Kind::link_refused), "b was restored from a backup or cloned"));
    story.link = LinkId{9};
    story.disconnect();
    story.reconnect();
    CHECK(story.linked());
    CHECK(story.b.exchange->rejoin("a", story.b.now) == Rejoin::linked);
}

TEST_CASE("an agent that was restored itself says so when a peer knows more") {
    Story story;
    story.publish(1);
    const Recovered backup = backup_of(story.a);
    story.disconnect();
    story.reconnect();
    story.publish(1);
    story.disconnect();
    story.start(story.a, backup);
    story.reconnect();
    for (const Host* host : {&story.a, &story.b})
        CHECK(has(said(*host, Kind::link_refused), "a was restored from a backup or cloned"));
}

TEST_CASE("a backup made in the middle of a long session is recognised as well") {
    Story story;
    story.publish(1);
    const Recovered backup = backup_of(story.b);
    story.publish(1);
    story.pass(limits::ticket_life);
    story.pass(2s);
    story.disconnect();
    SUBCASE("and the journal of the moment is taken") {
        story.start(story.b, backup_of(story.b));
        story.reconnect();
        CHECK(story.linked());
    }
    SUBCASE("by the ticket that was renewed") {
        story.start(story.b, backup);
        story.reconnect();
        CHECK(has(said(story.a, Kind::link_refused), "b was restored"));
    }
}

TEST_CASE("whatever a crash interrupts, an honest agent is let in") {
    // The commits of b's side of a session, one by one.
    for (std::size_t commits = 0; commits < 6; ++commits) {
        Story story;
        story.publish(1);
        story.disconnect();
        story.b.journal_answers = false;
        story.b.transactions.clear();
        Recovered on_disk = backup_of(story.b);
        story.connect();
        for (std::size_t i = 0; i < commits && !story.b.unanswered.empty(); ++i) {
            const Transaction transaction = story.b.unanswered.front();
            story.b.unanswered.pop_front();
            for (const auto& change : transaction.changes)
                if (const auto* put = std::get_if<PutPeer>(&change)) on_disk.peers = {*put};
            story.b.exchange->on_journal(Committed{transaction.number, {}}, story.b.now);
            story.b.turn();
            story.settle();
        }
        if (on_disk.peers.empty()) continue;  // nothing of this session is on its disk
        story.disconnect();
        story.start(story.b, on_disk);
        story.reconnect();
        CAPTURE(commits);
        CHECK(story.linked());
        CHECK_FALSE(said(story.a, Kind::link_refused));
    }
}

TEST_CASE("a lost journal is recognised, and what it may have lost is named by both") {
    Story story;
    story.publish(5);
    story.disconnect();
    story.start(story.b, {});
    story.reconnect();
    CHECK(story.linked());
    CHECK(has(said(story.a, Kind::history_lost), "batches 1 to 5 of incarnation 1000"));
    CHECK(has(said(story.b, Kind::history_lost), "batches 1 to 5 of incarnation 1000"));
}

TEST_CASE("another start of a peer that is linked waits until that is known to be dead") {
    Story story;
    const Recovered copy = backup_of(story.b);
    Host clone{"b", 2, {peer("a")}, copy, 2'000};
    clone.now = story.b.now;
    const LinkId second{77};
    const auto dial = [&] {
        story.a.exchange->on_link_up(second, "key-b", false, story.a.now);
        clone.exchange->on_link_up(second, "key-a", true, clone.now);
        for (bool moved = true; moved;) {
            clone.turn();
            moved = TwoHosts::carry(clone, story.a);
            while (!story.a.to_links.empty() && story.a.to_links.front().link == second)
                moved = TwoHosts::carry(story.a, clone) || moved;
        }
    };
    dial();
    CHECK(has(said(story.a, Kind::link_refused), "another start of b is linked"));
    CHECK_FALSE(said(clone, Kind::link_up));
    story.a.now += 10s;  // nothing was heard of the first
    clone.now = story.a.now;
    story.a.to_links.clear();
    dial();
    CHECK(said(clone, Kind::link_up));
}

TEST_CASE("who was never met, or is linked, has nothing to rejoin") {
    TwoHosts hosts;
    CHECK(hosts.a.exchange->rejoin("b", hosts.a.now) == Rejoin::never_met);
    CHECK(hosts.a.exchange->rejoin("c", hosts.a.now) == Rejoin::unknown_peer);
    hosts.connect();
    CHECK(hosts.a.exchange->rejoin("b", hosts.a.now) == Rejoin::linked);
}

}  // namespace bus::core::test
