// Durable subscriptions as people read them.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "subscription_text.h"

using namespace bus::cli;
using Json = nlohmann::ordered_json;

namespace {

Json subscription(const char* name, Json agents = Json::array()) {
    return {{"name", name},          {"filter", "plant7.**"}, {"type", "durable"},
            {"state", "collecting"}, {"configured", false},   {"consumers", 0},
            {"waiting_messages", 0}, {"waiting_bytes", 0},    {"oldest_millis", 0},
            {"handed_out", 0},       {"agents", agents}};
}
Json agent(const char* name, const char* state, const char* via = "") {
    return {{"agent", name}, {"state", state}, {"via", via}};
}
Json change(bool changed) {
    return {{"name", "alarms"}, {"filter", "plant7.**"}, {"type", "durable"}, {"changed", changed},
            {"consumers", 2},   {"messages", 1500},      {"bytes", 4096},     {"handed_out", 3}};
}

}  // namespace

TEST_CASE("what there is, in a line each") {
    Json alarms = subscription("alarms", {agent("hub", "known"), agent("lima", "unreachable")});
    alarms["state"] = "paused";
    alarms["waiting_messages"] = 1500;
    alarms["waiting_bytes"] = 4096;
    alarms["oldest_millis"] = 61'000;
    Json billing = subscription("billing");
    billing["configured"] = true;
    billing["type"] = "group";
    CHECK(subscriptions_text({alarms, billing}) ==
          "name     type     filter     state       consumers  waiting           oldest  known at\n"
          "alarms   durable  plant7.**  paused              0    1,500  4.0 KiB   1 min  1 of 2 "
          "agents\n"
          "billing  group    plant7.**  collecting          0        0                           "
          "       in the configuration\n");
    CHECK(subscriptions_text(Json::array()) == "no durable subscriptions, no groups\n");
}

TEST_CASE("at which agents it is known, and who will be told") {
    CHECK(agents_text_of(subscription("a")).empty());
    CHECK(agents_text_of(subscription(
              "a", {agent("hub", "known"), agent("paris", "known"), agent("tokyo", "told"),
                    agent("lima", "behind", "hub"), agent("oslo", "unreachable"),
                    agent("rome", "unreachable", "hub")})) ==
          "  known at hub, paris\n"
          "  told by way of hub: lima\n"
          "  told, not yet confirmed: tokyo\n"
          "  unreachable, told by way of hub when they are back: rome\n"
          "  unreachable, told when they are back: oslo\n");
}

TEST_CASE("what an order has done, or would") {
    CHECK(change_text("add", change(true), false) == "alarms collects plant7.** from now on\n");
    CHECK(change_text("add", change(false), false) == "alarms collects plant7.**, as before\n");
    CHECK(change_text("pause", change(true), false) ==
          "alarms is paused: it collects, and hands out nothing\n");
    CHECK(change_text("resume", change(false), false) == "alarms hands out as before\n");
    CHECK(change_text("purge", change(true), false) ==
          "alarms is purged: 1,500 messages, 4.0 KiB (3 handed out, not acknowledged), 2\n"
          "consumers\n");
    CHECK(change_text("remove", change(false), true)
              .starts_with("alarms would be removed: 1,500 messages"));
}
