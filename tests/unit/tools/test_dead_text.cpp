// Dead letters as people read them.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "dead_text.h"
#include "paint.h"

using namespace bus::cli;
using Json = nlohmann::ordered_json;

namespace {

const Json letter{{"id", 7},
                  {"kind", "queue"},
                  {"channel", "orders"},
                  {"destination", "queue"},
                  {"name", "orders"},
                  {"reason", "rejected by its consumer: bad\nline"},
                  {"messages", 1},
                  {"bytes", 2048},
                  {"attempts", 3},
                  {"taken_unix_millis", 0},
                  {"buried_unix_millis", 0},
                  {"producer", "112233445566778899aabbccddeeff00"},
                  {"sequence", 5},
                  {"part", nullptr}};

}  // namespace

TEST_CASE("a row says where it died and why, in one line") {
    CHECK(dead_letters_table(Json::array({letter})) ==
          "id  died  channel  of            messages     size  attempts  reason\n"
          " 7  -     orders   queue orders         1  2.0 KiB         3  rejected by its consumer: "
          "bad line\n");
}

TEST_CASE("a letter is shown with what is in it, and what was cut off") {
    Json shown = letter;
    shown["messages"] = 2;
    shown["damaged"] = false;
    shown["contents"] = Json::array(
        {{{"index", 0},
          {"sequence", 5},
          {"intact", true},
          {"headers", Json::array({{{"key", "key"}, {"value", {{"bytes", 1}, {"text", "k"}}}}})},
          {"payload", {{"bytes", 9'000}, {"text", "he\x1b[1mllo"}}}}});
    const std::string text = dead_letter_text(shown, Paint{false});
    CHECK(text.find("channel     queue orders\n") != std::string::npos);
    CHECK(text.find("\nmessage 5\nkey: k\n\nhe [1mllo\n[cut: it has 8.8 KiB]\n") !=
          std::string::npos);
    CHECK(text.ends_with("\n[1 more]\n"));
    shown["damaged"] = true;
    CHECK(dead_letter_text(shown, Paint{false}).ends_with("its contents are damaged\n"));
}

TEST_CASE("what was done is told with what stays") {
    const Json done{{"messages", 1'200},
                    {"bytes", 5 * 1024 * 1024},
                    {"left", Json::array({{{"why", "the journal is full"}, {"messages", 1}}})},
                    {"dry_run", false}};
    CHECK(dead_done_text(done, "retried") ==
          "retried 1,200 messages, 5.0 MiB\n  1 message stays: the journal is full\n");
    Json dry = done;
    dry["dry_run"] = true;
    CHECK(dead_done_text(dry, "purged").starts_with("would be purged 1,200 messages"));
}
