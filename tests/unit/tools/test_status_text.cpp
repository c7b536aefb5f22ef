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
                 "last_error": "connection refused", "account": {"destination": 7}}],
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
    CHECK(has(text, "orders held back; connection refused"));
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

TEST_CASE("figures that an agent does not have are left out") {
    CHECK(has(status_text(Json::parse(R"({"name":"old"})"), false), "old"));
}
