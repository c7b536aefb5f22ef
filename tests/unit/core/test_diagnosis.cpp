// What people are told when a message is not where they expect it.
#include "core/denials.h"
#include "core/traffic.h"
#include "network.h"
#include "stories.h"

using Verdict = RouteDiagnosis::Verdict;
using Weight = WhyDiagnosis::Weight;

namespace {

void subscribe(Host& host, const std::string& durable, const std::string& filter = "news",
               std::uint32_t prefetch = 1'000) {
    host.open(reader);
    wire::Subscribe command;
    command.id = 1;
    command.filter = filter;
    command.durable = durable;
    command.prefetch_messages = prefetch;
    host.subscribe(reader, command);
}
void receive(Host& host, const std::string& queue) {
    host.open(reader);
    wire::Subscribe command;
    command.id = 1;
    command.kind = wire::Kind::queue;
    command.filter = queue;
    host.subscribe(reader, command);
}
void publish(Host& host, std::uint64_t number, const std::string& channel = "news") {
    host.publish(app, number,
                 make_batch({.channel = channel, .producer = producer, .sequence = number}));
}
RouteDiagnosis route(Host& host, wire::Kind kind = wire::Kind::topic) {
    return host.exchange->diagnose_route(kind, "news", host.now);
}
WhyDiagnosis why(Host& host, const std::string& what) {
    return host.exchange->diagnose_why(what, host.now);
}
bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}
bool says(const WhyDiagnosis& why, Weight weight, const std::string& about,
          const std::string& part) {
    return std::any_of(why.findings.begin(), why.findings.end(), [&](const auto& finding) {
        return finding.weight == weight && has(finding.about, about) && has(finding.words, part);
    });
}
void allow(Host& host, Permissions may) {
    host.settings.peers[0].may = std::move(may);
    host.exchange->reload(host.settings, host.now);
    host.turn();
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("why and status name the last failed attempt to reach a peer, until its link is up") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[0], "mine");
    net.disconnect(0, 1);
    net.pass(1s);
    net[0].exchange->on_dial_failed("1", "cannot reach tcp://10.0.0.1:7700: refused", net[0].now);
    net[0].exchange->on_dial_failed("nobody", "of no concern", net[0].now);
    net.pass(3s);
    const auto link = [&] { return net[0].exchange->status(net[0].now).links[0]; };
    CHECK(link().last_error == "cannot reach tcp://10.0.0.1:7700: refused");
    CHECK(link().last_error_millis == 3000);
    CHECK(says(why(net[0], "mine"), Weight::problem, "link 1",
               "it is down for 4 s (cannot reach tcp://10.0.0.1:7700: refused, 3 s ago)"));
    net.connect(0, 1);
    net.settle();
    net[0].exchange->on_dial_failed("1", "another way", net[0].now);  // while it is up
    CHECK(link().last_error.empty());
    CHECK_FALSE(link().last_error_millis.has_value());
}

TEST_CASE("why tells of a peer that cannot be dialled from here") {
    Host host{"0", 1, {peer("far")}};
    host.settings.peers[0].has_address = false;
    host.exchange->reload(host.settings, host.now);
    subscribe(host, "mine");
    CHECK(says(why(host, "mine"), Weight::problem, "link far",
               "(this agent has no address of it and waits to be dialled)"));
}

TEST_CASE("route names the subscriptions here and the agents elsewhere, with the way") {
    Network net{4, {{0, 1}, {1, 2}, {1, 3}}, {1}};
    subscribe(net[0], "mine");
    subscribe(net[2], "far", "n*.**");
    net.settle();
    CHECK(route(net[0]).there.empty());
    wire::Subscribe command;
    command.id = 2;
    command.filter = "news";
    net[2].subscribe(reader, command);
    net.settle();
    const auto found = route(net[0]);
    REQUIRE(found.here.size() == 1);
    CHECK(found.here[0].type == "durable");
    CHECK(found.here[0].name == "mine");
    CHECK(found.here[0].consumers == 1);
    REQUIRE(found.there.size() == 1);
    CHECK(found.there[0].verdict == Verdict::goes);
    CHECK(found.there[0].filters == Names{"news"});
    CHECK(found.there[0].path == Names{"1", "2"});
    CHECK(found.not_interested == 1);  // the hub; the other spoke wants nothing and is not told of
    CHECK(found.reaches_somebody);
}

TEST_CASE("route says where a message waits, and for which link") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    subscribe(net[2], "far");
    net.settle();
    net.disconnect(1, 2);
    net.pass(3min);
    auto found = route(net[0]);
    REQUIRE(found.there.size() == 1);
    CHECK(found.there[0].verdict == Verdict::waits);
    CHECK(has(found.there[0].words, "a link beyond 1 is down for 2 min; waits at 1"));
    CHECK(net[0].exchange->status(net[0].now).agents.back().waits_at == "1");
    net.disconnect(0, 1);
    net.pass(10s);
    found = route(net[0]);
    CHECK(has(found.there[0].words,
              "the link to 1 is down for 10 s (the connection was lost); waits at 0 until then"));
    CHECK(net[0].exchange->status(net[0].now).agents.back().waits_at == "0");
    CHECK(found.reaches_somebody);
}

TEST_CASE("route tells which rule is in the way, and each cause is logged once") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1], "far");
    net.settle();
    allow(net[0], {.publish = {}, .subscribe = {"weather.**", "sport"}});
    const auto found = route(net[0]);
    REQUIRE(found.there.size() == 1);
    CHECK(found.there[0].verdict == Verdict::denied);
    CHECK(has(
        found.there[0].words,
        "peer 1 may not subscribe to news: its rule \"subscribe\" names weather.**, sport only"));
    CHECK_FALSE(found.reaches_somebody);
    net[0].open(app, producer);
    for (std::uint64_t n = 1; n <= 3; ++n) publish(net[0], n);
    const auto denials = net[0].exchange->status(net[0].now).denials;
    REQUIRE(denials.size() == 1);
    CHECK(denials[0].times == 3);
    CHECK(std::count_if(net[0].events.begin(), net[0].events.end(), [](const Event& event) {
              return event.kind == Event::Kind::rule_denied;
          }) == 1);
}

TEST_CASE("a queue's message goes where a consumer is, and else waits here") {
    Network net{2, {{0, 1}}, {}};
    CHECK_FALSE(route(net[0], wire::Kind::queue).reaches_somebody);
    CHECK(net[0].exchange->status(net[0].now).groups.empty());  // to ask makes no queue
    receive(net[1], "news");
    net.settle();
    auto found = route(net[0], wire::Kind::queue);
    REQUIRE(found.there.size() == 1);
    CHECK(found.there[0].verdict == Verdict::goes);
    net.disconnect(0, 1);
    net.pass(10s);
    found = route(net[0], wire::Kind::queue);
    CHECK(found.there[0].verdict == Verdict::waits);
    CHECK(has(found.there[0].words, "stays in the queue here until then"));
}

TEST_CASE("why: nobody here has subscribed, but somebody elsewhere") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[1], "far");
    net.settle();
    const auto found = why(net[0], "news");
    CHECK(found.has_problem());
    CHECK(says(found, Weight::problem, "here", "`bus subscribe news` makes one"));
    CHECK(says(found, Weight::note, "elsewhere", "1 other agent wants it: `bus route news`"));
}

TEST_CASE("why: nothing is in the way") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[0], "mine");
    net.settle();
    CHECK(says(why(net[0], "mine"), Weight::note, "link 1", "has not confirmed it yet"));
    net.pass(5s);
    const auto found = why(net[0], "news");
    CHECK_FALSE(found.has_problem());
    CHECK(says(found, Weight::good, "durable mine (news)", "1 consumer with room"));
    CHECK(says(found, Weight::note, "durable mine", "no message for it has come"));
    CHECK(says(found, Weight::good, "link 1", "knows what is wanted here"));
    CHECK(says(found, Weight::note, "publishers", "`bus route news`"));
}

TEST_CASE("why: its program is away, or does not acknowledge") {
    Host host{"a", 1, {}};
    subscribe(host, "mine", "news", 1);
    host.open(app, producer);
    publish(host, 1);
    publish(host, 2);
    host.pass(5s);
    auto found = why(host, "mine");
    CHECK(says(found, Weight::problem, "durable mine",
               "1 consumer without room: 1 message handed out and not acknowledged"));
    CHECK(says(found, Weight::problem, "durable mine", "2 messages wait, the oldest for 5 s"));
    CHECK(says(found, Weight::note, "links", "no peers"));
    host.leave(reader);
    found = why(host, "mine");
    CHECK(says(found, Weight::problem, "durable mine", "no program reads it; 2 messages wait"));
}

TEST_CASE("why: a link is down, and for how long") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[0], "mine");
    net.settle();
    net.disconnect(0, 1);
    net.pass(3h);
    CHECK(says(why(net[0], "mine"), Weight::problem, "link 1",
               "it is down for 3 h (the connection was lost)"));
}

TEST_CASE("why: a rule keeps a peer, or a user, from publishing") {
    Network net{2, {{0, 1}}, {}};
    subscribe(net[0], "mine", "**");
    net[0].settings.rules[1000] = {};
    allow(net[0], {.publish = {"sport"}, .subscribe = {"**"}});
    net.settle();
    CHECK(says(why(net[0], "news"), Weight::problem, "rules",
               "peer 1 may not publish on news: its rule \"publish\" names sport only"));
    CHECK_FALSE(says(why(net[0], "sport"), Weight::problem, "rules", ""));
    net[0].open(app, producer);
    publish(net[0], 1);
    net[0].pass(7s);
    CHECK(says(why(net[0], "news"), Weight::problem, "rules",
               "uid 1000 may not publish on news: its rules have no \"publish\"; denied 1 time, "
               "last 7 s ago"));
}

TEST_CASE("denials are bounded: the cause that was quiet for longest goes first") {
    Denials denials;
    Time now{1s};
    const auto denial = [](std::size_t n) {
        return Denial{.who = "uid 1", .channel = "c" + std::to_string(n), .rule = ""};
    };
    for (std::size_t n = 0; n < limits::denials_max; ++n) CHECK(denials.note(denial(n), now += 1s));
    CHECK_FALSE(denials.note(denial(0), now += 1s));
    CHECK(denials.note(denial(limits::denials_max), now += 1s));
    CHECK(denials.all().size() == limits::denials_max);
    CHECK_FALSE(denials.note(denial(0), now += 1s));
    CHECK(denials.note(denial(1), now += 1s));
}

TEST_CASE("a link's speed is that of the last seconds, and a backlog's end is foreseen from it") {
    Traffic traffic;
    CHECK(traffic.speed(Time{1s}).bytes == 0);
    for (int second = 1; second <= 10; ++second) {
        traffic.sample(Time{second * 1s});
        traffic.count(10, 5'000);
    }
    CHECK(traffic.speed(Time{11s}).messages == 10);
    CHECK(traffic.speed(Time{11s}).bytes == 5'000);
    for (int second = 11; second <= 20; ++second) traffic.sample(Time{second * 1s});
    CHECK(traffic.speed(Time{20s}).bytes == 0);
    CHECK(traffic.bytes() == 50'000);
}

TEST_CASE("a keepalive never runs ahead of the paths that its digest counts") {
    Network net{3, {{0, 1}, {1, 2}}, {1}};
    subscribe(net[2], "far");
    net.settle();
    wire::Subscribe command;
    command.id = 2;
    command.filter = "sport";
    net[2].subscribe(reader, command);
    while (!net[2].to_links.empty()) {
        const ToLink sent = std::move(net[2].to_links.front());
        net[2].to_links.pop_front();
        net[1].exchange->on_link_frame(sent.link, std::get<wire::LinkFrame>(sent.what), net[1].now);
    }
    const auto asked = net[1].exchange->ask("0", wire::Asked::presence, 0, net[1].now);
    CHECK(asked.has_value());  // by a keepalive, in the turn that takes the news
    net.settle();
    CHECK(std::none_of(net[0].events.begin(), net[0].events.end(),
                       [](const Event& event) { return event.kind == Event::Kind::link_down; }));
    CHECK(net[0].exchange->status(net[0].now).agents.back().interest == 2);
}
