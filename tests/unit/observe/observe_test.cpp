// What operators read: the log's restraint, the status's keys.
#include <doctest/doctest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "observe/answer_json.h"
#include "observe/diagnosis_json.h"
#include "observe/log.h"
#include "observe/status_json.h"

namespace bus::observe {
namespace {

using namespace std::chrono_literals;
using core::Event;

// A log into memory.
struct Page {
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* file = ::open_memstream(&text, &size);
    ~Page() {
        std::fclose(file);
        std::free(text);
    }
    std::string read() {
        std::fflush(file);
        return {text, size};
    }
};

TEST_CASE("an event is a line that says what and what next") {
    Page page;
    Log log{page.file, false};
    log.event({.kind = Event::Kind::link_down,
               .at = {},
               .subject = "tokyo",
               .words = "heartbeat lost, reconnecting in 1.2 s (412 batches waiting)"},
              Time{1s});
    CHECK(page.read() ==
          "link tokyo: heartbeat lost, reconnecting in 1.2 s (412 batches waiting)\n");
}

TEST_CASE("events of batches make no line") {
    Page page;
    Log log{page.file, false};
    log.event({.kind = Event::Kind::batch_sent, .at = {}, .subject = "a", .words = "b"}, Time{1s});
    CHECK(page.read().empty());
}

TEST_CASE("journald gets the priority, and one line stays one line") {
    Page page;
    Log log{page.file, true};
    log.say(Severity::info, "first\n<0>second", Time{1s});
    CHECK(page.read() == "<6>first <0>second\n");
}

TEST_CASE("no line is said twice in a minute; what was held back is counted") {
    Page page;
    Log log{page.file, false};
    for (int i = 0; i < 5; ++i) log.say(Severity::info, "again", Time{100s + i * 1s});
    CHECK(page.read() == "again\n");
    CHECK(log.suppressed() == 4);
    log.say(Severity::info, "again", Time{170s});
    CHECK(page.read() == "again\nlog: 4 lines were repeats or too many, and left out\nagain\n");
}

TEST_CASE("a flood of different lines is cut off") {
    Page page;
    Log log{page.file, false};
    for (int i = 0; i < 10'000; ++i) log.say(Severity::info, std::to_string(i), Time{100s});
    const std::string text = page.read();
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    CHECK(lines < 1'000);
    CHECK(lines + log.suppressed() == 10'000);
}

TEST_CASE("the status is JSON with the core's figures and the edge's counters") {
    core::Status status;
    status.name = "paris";
    status.agent = AgentId{{1, 2}};
    status.links.push_back({.peer = "tokyo", .state = "up", .backlog_messages = 412});
    status.links.push_back({.peer = "oslo", .state = "down", .agent = AgentId{{3, 4}}});
    status.groups.push_back({.type = "queue", .name = "orders", .filter = "orders"});
    status.accounts.push_back({.destination = core::DestinationId{3}, .taken = 5, .waiting = 5});
    const auto reply = nlohmann::json::parse(
        status_reply({.id = 9, .request = "status"}, status, {{"malformed_local", 2}}));
    CHECK(reply["type"] == "admin");
    CHECK(reply["id"] == 9);
    CHECK(reply["ok"] == true);
    const auto& told = reply["status"];
    CHECK(told["name"] == "paris");
    CHECK(told["links"][0]["peer"] == "tokyo");
    CHECK(told["links"][0]["backlog_messages"] == 412);
    CHECK(told["links"][0]["agent"].is_null());
    CHECK(told["links"][1]["agent"] == "00000000000000030000000000000004");
    CHECK(told["groups"][0]["name"] == "orders");
    CHECK(told["accounts"][0]["balances"] == true);
    CHECK(told["io"]["malformed_local"] == 2);
}

TEST_CASE("the status has the ways to agents, the speeds of links and what was denied") {
    core::Status status;
    status.links.push_back({.peer = "hub",
                            .state = "up",
                            .for_millis = 5,
                            .drained_in_millis = 7,
                            .sending = {.messages = 3, .bytes = 4}});
    status.links.push_back({.peer = "oslo", .state = "down"});
    status.agents.push_back({.agent = AgentId{{3, 4}},
                             .name = "tokyo",
                             .path = {"hub", "tokyo"},
                             .cost = 2,
                             .down_millis = 9,
                             .waits_at = "hub"});
    status.denials.push_back({.who = "uid 1", .verb = "send to", .channel = "q", .times = 2});
    const auto told = nlohmann::json::parse(status_reply({}, status, {}))["status"];
    CHECK(told["links"][0]["for_millis"] == 5);
    CHECK(told["links"][0]["drained_in_millis"] == 7);
    CHECK(told["links"][0]["sending"]["bytes_per_second"] == 4);
    CHECK(told["links"][1]["for_millis"].is_null());
    CHECK(told["links"][1]["drained_in_millis"].is_null());
    CHECK(told["agents"][0]["path"] == nlohmann::json::array({"hub", "tokyo"}));
    CHECK(told["agents"][0]["waits_at"] == "hub");
    CHECK(told["denials"][0]["verb"] == "send to");
}

TEST_CASE("a route and the findings of why are JSON under their requests' names") {
    core::RouteDiagnosis route{.channel = "a.b", .not_interested = 2};
    route.there.push_back({.agent = AgentId{{3, 4}},
                           .name = "tokyo",
                           .filters = {"a.*"},
                           .path = {"tokyo"},
                           .verdict = core::RouteDiagnosis::Verdict::waits,
                           .words = "down"});
    auto told = nlohmann::json::parse(route_reply({.id = 1, .request = "route"}, route));
    CHECK(told["ok"] == true);
    CHECK(told["route"]["kind"] == "topic");
    CHECK(told["route"]["reaches_somebody"] == false);
    CHECK(told["route"]["there"][0]["verdict"] == "waits");
    core::WhyDiagnosis why{.what = "a.b"};
    why.findings.push_back({core::WhyDiagnosis::Weight::problem, "link tokyo", "down"});
    told = nlohmann::json::parse(why_reply({.id = 2, .request = "why"}, why));
    CHECK(told["why"]["problem"] == true);
    CHECK(told["why"]["findings"][0]["about"] == "link tokyo");
}

TEST_CASE("names that are no UTF-8 do not break the status") {
    core::Status status;
    status.name = "par\xFFis";
    const auto reply = nlohmann::json::parse(status_reply({}, status, {}));
    CHECK(reply["status"]["name"] == "par\uFFFDis");
}

TEST_CASE("a reload tells what it changed, and what waits for the next start") {
    const auto reply = nlohmann::json::parse(
        reload_reply({.id = 2, .request = "reload"},
                     {.applied = false, .changes = {"peer tokyo: added"}, .restart = {"listen"}}));
    CHECK(reply["ok"] == true);
    CHECK(reply["reload"]["applied"] == false);
    CHECK(reply["reload"]["changes"] == nlohmann::json::array({"peer tokyo: added"}));
    CHECK(reply["reload"]["restart"] == nlohmann::json::array({"listen"}));
}

TEST_CASE("an identity is told under the request's name, with the next key where there is one") {
    const ShownIdentity one{.agent = AgentId{{1, 2}}, .public_key = "K1"};
    const auto alone = nlohmann::json::parse(identity_reply({.id = 1, .request = "identity"}, one));
    CHECK(alone["identity"]["public_key"] == "K1");
    CHECK(alone["identity"]["next_public_key"].is_null());
    ShownIdentity two = one;
    two.next_public_key = "K2";
    two.next_from_unix_seconds = 7;
    const auto both =
        nlohmann::json::parse(identity_reply({.id = 1, .request = "rotate_key"}, two));
    CHECK(both["rotate_key"]["next_public_key"] == "K2");
    CHECK(both["rotate_key"]["next_from_unix_seconds"] == 7);
}

TEST_CASE("what is not known is refused with code and reason") {
    const auto reply = nlohmann::json::parse(
        failure_reply({.id = 1, .request = "dance"}, "unknown_command", "no"));
    CHECK(reply["ok"] == false);
    CHECK(reply["request"] == "dance");
    CHECK(reply["code"] == "unknown_command");
    CHECK(reply["reason"] == "no");
}

TEST_CASE("an answer of another agent has every key, whether it has come or not") {
    core::Question question{.id = core::QuestionId{5}, .target = AgentId{{1, 2}}};
    const auto json_of = [&] {
        return nlohmann::json::parse(answer_reply({.id = 3, .request = "answer"}, question))
            .at("answer");
    };
    auto told = json_of();
    CHECK(told.at("question") == 5);
    CHECK(told.at("outcome") == "waiting");
    CHECK(told.at("agent").is_null());
    CHECK(told.at("summary").is_null());
    using Outcome = core::Question::Outcome;
    question.answer = {.outcome = Outcome::target,
                       .agent = AgentId{{1, 2}},
                       .name = "tokyo",
                       .round_trip = 1500us,
                       .words = {},
                       .summary = wire::Summary{.version = "1.0", .links_up = 2}};
    told = json_of();
    CHECK(told.at("outcome") == "target");
    CHECK(told.at("name") == "tokyo");
    CHECK(told.at("rtt_micros") == 1500);
    CHECK(told.at("summary").at("version") == "1.0");
    CHECK(told.at("summary").at("links_up") == 2);
    const std::pair<Outcome, const char*> words[] = {{Outcome::on_the_way, "on_the_way"},
                                                     {Outcome::no_way, "no_way"},
                                                     {Outcome::denied, "denied"},
                                                     {Outcome::unknown, "unknown"}};
    for (const auto& [outcome, word] : words) {
        question.answer->outcome = outcome;
        CHECK(json_of().at("outcome") == word);
    }
}

}  // namespace
}  // namespace bus::observe
