// What agents ask each other for people: how far away they are, and how they are.
#include <doctest/doctest.h>

#include "network.h"

using namespace bus;
using namespace bus::core;
using namespace bus::core::test;
using namespace std::chrono_literals;
using Outcome = Question::Outcome;
using wire::Asked;

namespace {

const SessionId reader{2};
const AgentId far{{3, 3}};  // agent "2"

void subscribe(Host& host) {
    host.open(reader);
    wire::Subscribe command;
    command.id = 1;
    command.filter = "news";
    command.durable = "mine";
    host.subscribe(reader, command);
}

// 0 - 1 - ... - last, which wants something, and so is known to all.
Network chain(int agents) {
    std::vector<std::pair<int, int>> links;
    std::set<int> relays;
    for (int i = 0; i + 1 < agents; ++i) links.emplace_back(i, i + 1);
    for (int i = 1; i + 1 < agents; ++i) relays.insert(i);
    Network net{std::size_t(agents), links, relays};
    subscribe(net[agents - 1]);
    net.settle();
    return net;
}

std::optional<Question::Answer> ask(Network& net, const std::string& agent, Asked what,
                                    std::uint8_t hops = 16, int from = 0) {
    Host& host = net[from];
    const auto id = host.exchange->ask(agent, what, hops, host.now);
    REQUIRE(id.has_value());
    net.settle();
    return host.exchange->question(*id)->answer;
}

std::string refusal(Host& host, const std::string& agent) {
    const auto asked = host.exchange->ask(agent, Asked::status, 16, host.now);
    REQUIRE_FALSE(asked.has_value());
    return asked.error();
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// One link of `to`, as its other end uses it: for what no agent would send.
class Line {
  public:
    Line(Network& net, int from, int to) : to_(net[to]) {
        const auto asked =
            net[from].exchange->ask(std::to_string(to), Asked::status, 0, net[from].now);
        REQUIRE(asked.has_value());
        net[from].turn();
        const ToLink& last = net[from].to_links.back();
        link_ = last.link;
        head_ = std::get<wire::LinkFrame>(last.what).head;
        net.settle();
        to_.to_links.clear();
    }
    void send(wire::LinkBody body) {
        ++head_.count;
        to_.exchange->on_link_frame(link_, wire::LinkFrame{head_, std::move(body)}, to_.now);
        to_.turn();
    }
    // Of what has left since.
    std::vector<wire::LinkAnswer> answers() const {
        std::vector<wire::LinkAnswer> found;
        for (const ToLink& sent : to_.to_links)
            if (const auto* frame = std::get_if<wire::LinkFrame>(&sent.what))
                if (const auto* answer = std::get_if<wire::LinkAnswer>(&frame->body))
                    found.push_back(*answer);
        return found;
    }

  private:
    Host& to_;
    LinkId link_;
    wire::LinkHead head_;
};

}  // namespace

TEST_CASE("each agent on the way answers when the question may go no further") {
    Network net = chain(5);
    for (int hop = 0; hop < 4; ++hop) {
        const auto answer = ask(net, "4", Asked::presence, std::uint8_t(hop));
        REQUIRE(answer.has_value());
        CHECK(answer->name == std::to_string(hop + 1));
        CHECK(answer->outcome == (hop == 3 ? Outcome::target : Outcome::on_the_way));
    }
    CHECK(ask(net, "4", Asked::presence)->agent == AgentId{{5, 5}});
}

TEST_CASE("an answer finds home to an agent that nobody knows, as it wants nothing") {
    Network net = chain(4);
    CHECK(net[3].exchange->status(net[3].now).agents.size() == 1);  // its neighbour
    CHECK(ask(net, "3", Asked::status)->summary.has_value());
}

TEST_CASE("the round trip is measured by the asker's clock") {
    Network net = chain(3);
    Host& asker = net[0];
    for (const std::uint8_t hops : {std::uint8_t{0}, std::uint8_t{1}}) {
        const auto id = asker.exchange->ask("2", Asked::presence, hops, asker.now);
        REQUIRE(id.has_value());
        asker.turn();
        asker.now += 40ms;
        net.settle();
        CHECK(asker.exchange->question(*id)->answer->round_trip == 40ms);
        CHECK(asker.exchange->status(asker.now).links[0].rtt_micros == 40'000);
    }
}

TEST_CASE("an agent tells in a few figures how it is") {
    Network net = chain(3);
    Host& to = net[2];
    to.settings.version = "1.2.3";
    to.settings.peers.push_back(peer("lima"));
    to.exchange->reload(to.settings, to.now);
    to.exchange->on_dial_failed("lima", "cannot reach tcp://10.0.0.1:7700", to.now);
    to.leave(reader);
    const ProducerId producer{{7, 7}};
    to.open(SessionId{1}, producer);
    to.publish(SessionId{1}, 1, make_batch({.channel = "news", .producer = producer}));
    net.pass(2s);
    const auto answer = ask(net, "2", Asked::status);
    REQUIRE(answer.has_value());
    REQUIRE(answer->summary.has_value());
    const auto& told = *answer->summary;
    CHECK(told.version == "1.2.3");
    CHECK(told.links_up == 1);
    CHECK(told.links_down == 1);
    CHECK(told.waiting_messages == 1);
    CHECK(told.waiting_bytes > 0);
    CHECK(told.oldest_millis >= 2000);
    CHECK(told.last_error == "link lima: cannot reach tcp://10.0.0.1:7700");
    CHECK(told.last_error_millis >= 2000);
}

TEST_CASE("who may not ask for the status is told so by name, and it is counted") {
    Network net = chain(3);
    SUBCASE("at the agent that is asked") {
        net[2].settings.peers[0].status = false;
        net[2].exchange->reload(net[2].settings, net[2].now);
        const auto answer = ask(net, "2", Asked::status);
        REQUIRE(answer.has_value());
        CHECK(answer->outcome == Outcome::denied);
        CHECK(answer->name == "2");
        CHECK(answer->words == "the entry for 1 at 2 has neither full trust nor \"status\": true");
        CHECK(net[2].exchange->status(net[2].now).denied == 1);
    }
    SUBCASE("at an agent on the way, which is trusted more than the asker") {
        net[1].settings.peers[0].status = false;
        net[1].exchange->reload(net[1].settings, net[1].now);
        const auto answer = ask(net, "2", Asked::status);
        REQUIRE(answer.has_value());
        CHECK(answer->outcome == Outcome::denied);
        CHECK(answer->name == "1");
        const auto denials = net[1].exchange->status(net[1].now).denials;
        REQUIRE(denials.size() == 1);
        CHECK(denials[0].who == "peer 0");
        CHECK(denials[0].verb == "ask for");
        CHECK(denials[0].channel == "status");
        CHECK(denials[0].rule == "its entry has no \"status\": true");
        CHECK(net[2].exchange->status(net[2].now).denied == 0);
    }
    CHECK(ask(net, "2", Asked::presence)->outcome == Outcome::target);
}

TEST_CASE("an agent that cannot pass a question on says so") {
    Network net = chain(4);
    net.disconnect(2, 3);
    const auto answer = ask(net, "3", Asked::presence);
    REQUIRE(answer.has_value());
    CHECK(answer->outcome == Outcome::no_way);
    CHECK(answer->name == "2");
    CHECK(answer->words == "the link from 2 to 3 is down");
}

TEST_CASE("what cannot be asked is refused with the reason") {
    Network net = chain(3);
    CHECK(has(refusal(net[0], "lima"), "no agent lima is known here"));
    CHECK(has(refusal(net[0], "0"), "is this agent itself"));
    net.disconnect(0, 1);
    CHECK(has(refusal(net[0], "1"), "the link to 1 is down (the connection was lost)"));
    CHECK(has(refusal(net[0], "2"), "the link to 1 is down"));
    CHECK_FALSE(net[0].exchange->ask("1", Asked::presence, 0, net[0].now).has_value());
    net[0].settings.peers.push_back(peer("far"));
    net[0].settings.peers.back().has_address = false;
    net[0].exchange->reload(net[0].settings, net[0].now);
    CHECK(refusal(net[0], "far") ==
          "the link to far has not been up yet (this agent has no address of it and waits to be "
          "dialled)");
}

TEST_CASE("an answer that never comes keeps nothing, and questions are bounded") {
    Network net = chain(3);
    Host& asker = net[0];
    std::size_t taken = 0;
    const auto fill = [&] {
        std::size_t now_taken = 0;
        while (asker.exchange->ask("2", Asked::presence, 16, asker.now)) ++now_taken;
        return now_taken;
    };
    // As the rate allows; what leaves is lost.
    for (int i = 0; i < 100 && taken < limits::questions_max; ++i) {
        taken += fill();
        asker.turn();
        asker.to_links.clear();
        asker.now += 100ms;
    }
    CHECK(taken == limits::questions_max);
    asker.now += 100ms;
    CHECK(asker.exchange->ask("2", Asked::presence, 16, asker.now).error() ==
          Exchange::too_many_questions);
    asker.now += limits::question_patience;
    CHECK(fill() > 0);
}

TEST_CASE("who asks too much gets no answer, and is counted") {
    Network net = chain(3);
    Line line{net, 0, 1};
    for (std::uint64_t id = 1; id <= 1'000; ++id)
        line.send(wire::LinkQuery{id, Asked::presence, 0, far, {net[0].settings.agent}});
    const auto answered = line.answers().size();
    CHECK(answered >= limits::questions_heard_per_second / 4);
    CHECK(answered <= limits::questions_heard_per_second / 4 + 2);
    CHECK(net[1].exchange->status(net[1].now).questions_dropped == 1'000 - answered);
}

TEST_CASE("a trail that does not end with who sent it is malformed") {
    Network net = chain(3);
    Line line{net, 0, 1};
    const AgentId asker = net[0].settings.agent;
    line.send(wire::LinkQuery{1, Asked::presence, 9, far, {asker, far}});
    line.send(wire::LinkAnswer{.id = 1, .agent = asker, .name = "x", .trail = {asker}});
    CHECK(net[1].exchange->status(net[1].now).malformed == 2);
    CHECK(net[1].to_links.empty());
}

TEST_CASE("a question does not go to where it has been") {
    Network net = chain(4);
    Line line{net, 0, 1};
    line.send(wire::LinkQuery{
        1, Asked::presence, 9, AgentId{{4, 4}}, {net[2].settings.agent, net[0].settings.agent}});
    REQUIRE(line.answers().size() == 1);
    CHECK(line.answers().front().outcome == Outcome::no_way);
    CHECK(net[1].to_links.size() == 1);
}

TEST_CASE("a question goes only to agents that the asking neighbour was told of") {
    Network net = chain(3);
    net[1].settings.peers[0].relays = false;
    net[1].exchange->reload(net[1].settings, net[1].now);
    net.disconnect(0, 1);
    net.connect(0, 1);
    net.settle();
    Line line{net, 0, 1};
    line.send(wire::LinkQuery{1, Asked::presence, 9, far, {net[0].settings.agent}});
    REQUIRE(line.answers().size() == 1);
    CHECK(line.answers().front().outcome == Outcome::no_way);
}

TEST_CASE("an answer counts once, and only from the neighbour that was asked") {
    Network net{3, {{0, 1}, {0, 2}}, {}};
    Host& asker = net[0];
    Line from_another{net, 2, 0}, from_it{net, 1, 0};
    const auto id = asker.exchange->ask("1", Asked::status, 0, asker.now);
    REQUIRE(id.has_value());
    wire::LinkAnswer answer{.id = id->value,
                            .what = Asked::status,
                            .outcome = Outcome::denied,
                            .agent = far,
                            .name = "liar",
                            .trail = {asker.settings.agent},
                            .text = "no"};
    from_another.send(answer);
    CHECK_FALSE(asker.exchange->question(*id)->answer.has_value());
    answer.name = "first";
    from_it.send(answer);
    answer.name = "second";
    from_it.send(answer);
    REQUIRE(asker.exchange->question(*id)->answer.has_value());
    CHECK(asker.exchange->question(*id)->answer->name == "first");
    CHECK(asker.exchange->question(QuestionId{12345}) == nullptr);
}

TEST_CASE("what is asked by a later version is not understood, and that is the answer") {
    Network net = chain(3);
    Line line{net, 0, 1};
    line.send(wire::LinkQuery{1, static_cast<Asked>(9), 0, far, {net[0].settings.agent}});
    REQUIRE(line.answers().size() == 1);
    CHECK(line.answers().front().outcome == Outcome::unknown);
}
