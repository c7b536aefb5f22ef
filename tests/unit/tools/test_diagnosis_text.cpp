#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "diagnosis_text.h"
#include "paragraph.h"

using bus::cli::paragraph;
using bus::cli::route_text;
using bus::cli::why_text;
using Json = nlohmann::ordered_json;

TEST_CASE("a route is told by what happens: at once, later, not at all") {
    const Json route = Json::parse(R"({"kind": "topic", "channel": "a.b", "reaches_somebody": true,
      "here": [{"type": "durable", "name": "alarms", "filter": "a.**", "consumers": 0,
                "waiting_messages": 2, "words": "it collects; nobody reads it now"}],
      "there": [{"name": "oslo", "filters": ["**"], "path": ["oslo"], "verdict": "denied",
                 "words": "a rule"},
                {"name": "rome", "filters": ["a.*", "a.b"], "path": ["hub", "rome"],
                 "verdict": "goes", "words": ""},
                {"name": "cairo", "filters": ["a.b"], "path": [], "verdict": "waits",
                 "words": "no way"}],
      "not_interested": 1, "notes": ["the journal is full"]})");
    CHECK(route_text(route) ==
          "A message published on a.b here and now\n"
          "goes on this host to\n"
          "  - durable alarms (a.**): it collects; nobody reads it now, 2 messages before\n"
          "    it\n"
          "goes at once to\n"
          "  - rome (a.*, a.b) by hub, 2 hops\n"
          "waits for\n"
          "  - cairo (a.b) no way known: no way\n"
          "does not go to\n"
          "  - oslo (**) directly: a rule\n"
          "note: the journal is full\n"
          "1 other agent is known, and wants nothing of it.\n");
}

TEST_CASE("a queue that nobody receives from keeps its messages") {
    const Json route = Json::parse(R"({"kind": "queue", "channel": "jobs",
      "reaches_somebody": false, "here": [], "there": [], "not_interested": 0, "notes": []})");
    CHECK(route_text(route) ==
          "A message sent to jobs here and now reaches nobody\n"
          "  It waits in the queue here until somebody receives from it.\n");
}

TEST_CASE("findings are sentences, marked by how much they matter") {
    const Json why = Json::parse(R"({"findings": [
      {"weight": "problem", "about": "link tokyo", "words": "it is down"},
      {"weight": "note", "about": "links", "words": "one"},
      {"weight": "good", "about": "durable a", "words": "fine"}]})");
    CHECK(why_text(why, false) ==
          "problem  link tokyo: it is down\n"
          "note     links: one\n"
          "ok       durable a: fine\n");
    CHECK(why_text(why, true).starts_with("\033[31mproblem\033[0m  link"));
}

TEST_CASE("long sentences are broken between words, short of the terminal's edge") {
    std::string text;
    for (int i = 0; i < 40; ++i) text += (i == 0 ? "" : " ") + std::string{"hübsch"};
    const std::string lines = paragraph("note ", text);
    CHECK(lines.find("\n     h") != std::string::npos);
    CHECK(lines.find('\n') == 5 + (10 * 7 - 1) + 10);  // a two-byte letter is one column
    const std::string word(200, 'x');
    CHECK(paragraph("", word) == word + "\n");
}
