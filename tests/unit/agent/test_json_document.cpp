#include <doctest/doctest.h>

#include "json_document.h"

using bus::JsonValue;
using bus::parse_json;
using Type = bus::JsonValue::Type;

TEST_CASE("every value knows its line, and comments count as nothing") {
    const auto document = parse_json(R"({ // the agent
  "name": "paris",

  "journal": {
    "max_bytes": 12
  },
  "listen": [
    "one",
    "two"
  ]
})");
    REQUIRE(document);
    REQUIRE(document->members.size() == 3);
    CHECK(document->line == 1);
    CHECK(document->members[0].key == "name");
    CHECK(document->members[0].value.text == "paris");
    CHECK(document->members[0].value.line == 2);
    const JsonValue& journal = document->members[1].value;
    CHECK(journal.type == Type::object);
    CHECK(journal.line == 4);
    CHECK(journal.members[0].value.line == 5);
    CHECK(journal.members[0].value.integer == 12);
    const JsonValue& listen = document->members[2].value;
    REQUIRE(listen.items.size() == 2);
    CHECK(listen.items[0].line == 8);
    CHECK(listen.items[1].line == 9);
}

TEST_CASE("a key that stands twice is seen twice") {
    const auto document = parse_json("{\"a\": 1,\n\"a\": 2}");
    REQUIRE(document);
    REQUIRE(document->members.size() == 2);
    CHECK(document->members[1].value.line == 2);
    CHECK(document->members[1].value.integer == 2);
}

TEST_CASE("every type is told apart") {
    const auto document = parse_json(R"([null, true, 1, -1, 1.5, "t", [[]], {"o": {}}])");
    REQUIRE(document);
    const auto& items = document->items;
    CHECK(items[0].type == Type::null);
    CHECK(items[1].boolean);
    CHECK(items[2].integer == 1);
    CHECK_FALSE(items[3].integer);
    CHECK(items[3].text == "-1");
    CHECK_FALSE(items[4].integer);
    CHECK(items[4].text == "1.5");
    CHECK(items[5].text == "t");
    CHECK(items[6].items.at(0).type == Type::list);
    CHECK(items[7].members.at(0).value.type == Type::object);
}

TEST_CASE("a syntax error names its line and what was expected there") {
    const auto document = parse_json("{\n  \"a\": 1\n  \"b\": 2\n}");
    REQUIRE_FALSE(document);
    CHECK(document.error().line == 3);
    CHECK(document.error().what ==
          "syntax error while parsing object - unexpected string literal; expected '}'");
}

TEST_CASE("an empty file, a cut file and something behind the end are errors") {
    CHECK_FALSE(parse_json(""));
    CHECK_FALSE(parse_json("{"));
    CHECK_FALSE(parse_json("{} {}"));
    CHECK_FALSE(parse_json("{\"a\": 1,}"));
}
