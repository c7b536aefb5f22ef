#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "status_text.h"

using bus::cli::status_text;
using Json = nlohmann::ordered_json;

namespace {

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

Json paris() {
    return Json::parse(R"({
      "name": "paris", "agent": "00ff", "uptime_millis": 90000, "sessions": 2,
      "links": [{"peer": "tokyo", "state": "down", "backlog_messages": 12345,
                 "backlog_bytes": 2048, "backlog_age_millis": 5000, "held": ["orders"],
                 "last_error": "connection refused", "last_error_millis": 2000, "account": {"destination": 7}}],
      "groups": [{"type": "queue", "name": "orders", "waiting_messages": 3, "waiting_bytes": 99,
                  "oldest_millis": 10, "consumers": 1,
                  "account": {"destination": 4}}],
      "accounts": [{"destination": 0, "unrouted": 1},
                   {"destination": 4, "taken": 5, "settled": 2, "waiting": 3},
                   {"destination": 7, "taken": 6, "waiting": 6}], "unrouted": 1,
      "journal": {"live_bytes": 1048576, "file_bytes": 2097152, "full": false}})");
}

}  // namespace

TEST_CASE("the status says in words what waits and why") {
    const std::string text = status_text(paris(), false);
    CHECK(has(text, "paris  agent 00ff, up 1 min, 2 apps"));
    CHECK(has(text, "12,345 messages wait, 2.0 KiB, the oldest for 5.0 s"));
    CHECK(has(text, "orders held back;\n    connection refused, 2.0 s ago"));
    CHECK(has(text, "queue orders"));
    CHECK(has(text, "link tokyo"));
    CHECK(has(text, "1 message had nobody to go to"));
    CHECK_FALSE(has(text, "nobody here"));
    CHECK(has(text, "1.0 MiB waiting in 2.0 MiB of files"));
    CHECK_FALSE(has(text, "\033["));
    CHECK_FALSE(has(text, "BALANCE"));
}

TEST_CASE("an account that does not balance and a full journal cannot be overlooked") {
    Json status = paris();
    status["accounts"][1]["settled"] = 1;
    status["journal"]["full"] = true;
    const std::string text = status_text(status, true);
    CHECK(has(text, "\033[31mDOES NOT BALANCE"));
    CHECK(has(text, "FULL"));
}

TEST_CASE("channels with limits show what waits beside them") {
    Json status = paris();
    status["channels"] = Json::parse(R"([
        {"channels": "sensors.**", "waiting_bytes": 1048576, "limit_bytes": 1048576,
         "limit_age_millis": 0, "holding": true},
        {"channels": "queue jobs", "waiting_bytes": 0, "limit_bytes": 0,
         "limit_age_millis": 86400000, "holding": false}])");
    const std::string text = status_text(status, false);
    CHECK(has(text, "sensors.**"));
    CHECK(has(text, "1.0 MiB         0  1.0 MiB"));
    CHECK(has(text, "publishers are held back"));
    CHECK(has(text, "queue jobs"));
    CHECK_FALSE(has(status_text(paris(), false), "at most"));
}

TEST_CASE("users with limits show what waits of them, and what was refused") {
    Json status = paris();
    status["apps"] = Json::parse(R"([
        {"apps": "uid 1000", "waiting_bytes": 1024, "waiting_messages": 12345, "limit_bytes": 0,
         "limit_messages": 20000, "limit_rate": 500, "limit_age_millis": 0, "holding": false,
         "refused": 3}])");
    const std::string text = status_text(status, false);
    CHECK(has(text, "uid 1000"));
    CHECK(has(text, "12,345  20,000 messages, 500/s"));
    CHECK(has(text, "3 messages refused"));
}

TEST_CASE("a link's speed and the end of its backlog, and the way to agents behind it, are told") {
    const Json status = Json::parse(R"({"name": "paris",
      "links": [{"peer": "hub1", "state": "up", "for_millis": 7200000, "dialled": true, "agent": "01",
                 "rtt_micros": 1250, "backlog_messages": 9, "backlog_bytes": 2048,
                 "backlog_age_millis": 4000, "drained_in_millis": 90000,
                 "sending": {"messages_per_second": 1234, "bytes_per_second": 1048576},
                 "held": ["a", "b", "c", "d", "e", "f"], "last_error": "long over"}],
      "agents": [{"agent": "01", "name": "hub1", "path": ["hub1"], "up": true},
                 {"agent": "02", "name": "tokyo", "path": ["hub1", "tokyo"], "cost": 2, "up": true,
                  "waiting_messages": 1500, "waiting_bytes": 512, "oldest_millis": 10,
                  "account": {"destination": 9}},
                 {"agent": "03", "name": "osaka", "path": ["hub1", "osaka"], "cost": 2, "up": false,
                  "down_millis": 180000, "waits_at": "hub1"},
                 {"agent": "04", "name": "", "path": [], "waits_at": "paris"}],
      "accounts": [{"destination": 9, "taken": 1500, "waiting": 1500}],
      "denied": 2, "denials": [{"who": "uid 1000", "verb": "publish on", "channel": "a.b",
        "rule": "its rule \"publish\" names x only", "times": 2, "last_millis": 3000}]})");
    const std::string text = status_text(status, false);
    CHECK(has(text,
              "hub1  up 2 h  us      1.2 ms  1,234/s, 1.0 MiB/s          -\n"
              "    9 messages wait, 2.0 KiB, the oldest for 4.0 s, drained in about 1 min; a,\n    "
              "b, c, d, e and 1 more held back\n"));
    CHECK_FALSE(has(text, "long over"));
    CHECK(has(text, "tokyo  by hub1, 2 hops     2  up"));
    CHECK(has(text, "1,500, 512 B, oldest 10 ms"));
    CHECK(has(text, "osaka  by hub1, 2 hops     2  down 3 min: waits at hub1"));
    CHECK(has(text, "04     no way known"));
    CHECK(has(text, "account      taken  waiting\nagent tokyo  1,500    1,500\n"));
    CHECK(has(text,
              "uid 1000 may not publish on a.b: its rule \"publish\" names x only; 2 times,\n    "
              "last 3.0 s ago"));
}

TEST_CASE("a link that was never up says why, or that it has to be dialled") {
    const Json status = Json::parse(R"({"name": "paris", "links": [
      {"peer": "lima", "state": "down", "for_millis": null, "has_address": true,
       "last_error": "cannot reach tcp://10.0.0.1:7700", "last_error_millis": 5000},
      {"peer": "oslo", "state": "down", "for_millis": null, "has_address": false, "last_error": ""}]})");
    const std::string text = status_text(status, false);
    CHECK(has(text, "lima  never up\n    cannot reach tcp://10.0.0.1:7700, 5.0 s ago\n"));
    CHECK(has(text, "oslo  never up\n    no address of it is configured here: it has to dial"));
}

TEST_CASE("figures that an agent does not have are left out") {
    CHECK(has(status_text(Json::parse(R"({"name":"old"})"), false), "old"));
}
