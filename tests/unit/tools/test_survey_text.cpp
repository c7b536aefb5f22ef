// How all agents are, as people read it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "survey_text.h"

using namespace std::chrono_literals;
using bus::cli::survey_text;
using Json = nlohmann::ordered_json;

namespace {

Json answered(const char* name) {
    return {{"agent", "01"},
            {"name", name},
            {"outcome", "target"},
            {"words", ""},
            {"summary",
             {{"version", "0.1.0"},
              {"uptime_millis", 7'200'000},
              {"links_up", 2},
              {"links_down", 0},
              {"waiting_messages", 0},
              {"journal_file_bytes", 2'097'152}}}};
}

Json silent(const char* name, const char* outcome, const char* words) {
    return {{"agent", "02"},
            {"name", name},
            {"outcome", outcome},
            {"words", words},
            {"summary", nullptr}};
}

std::string text_of(std::vector<Json> agents) {
    return survey_text({{"agents", std::move(agents)}}, 2s);
}

}  // namespace

TEST_CASE("an agent that is well takes one line") {
    CHECK(text_of({answered("paris")}) ==
          "agent  version  up for  links  waiting  oldest  journal\n"
          "paris  0.1.0       2 h  2 up         -          2.0 MiB\n");
}

TEST_CASE("what is wrong at an agent stands under its line") {
    Json agent = answered("tokyo");
    agent["summary"].update({{"links_down", 1},
                             {"waiting_messages", 1500},
                             {"waiting_bytes", 4096},
                             {"oldest_millis", 61'000},
                             {"journal_full", true},
                             {"dead_letters", 2},
                             {"unrouted", 1},
                             {"last_error", "link lima: cannot reach tcp://10.0.0.1:7700"},
                             {"last_error_millis", 3000}});
    CHECK(text_of({agent}) ==
          "agent  version  up for  links                waiting  oldest  journal\n"
          "tokyo  0.1.0       2 h  2 up, 1 down  1,500, 4.0 KiB   1 min  2.0 MiB\n"
          "    its journal is FULL: new messages are refused; 2 dead letters; 1 message had\n"
          "    nobody to go to; link lima: cannot reach tcp://10.0.0.1:7700, 3.0 s ago\n");
}

TEST_CASE("an agent that tells nothing says why") {
    const std::string text = text_of(
        {silent("a", "silent", ""), silent("b", "denied", "the entry for paris at b is short"),
         silent("c", "no_way", "the link from b to c is down"),
         silent("d", "down", "down for 3 min; it waits at b"), silent("", "unknown", "")});
    CHECK(text ==
          "agent  version  up for  links  waiting  oldest  journal\n"
          "a\n"
          "    no answer within 2 s: it is busy, or a link has just failed\n"
          "b\n"
          "    does not allow it: the entry for paris at b is short\n"
          "c\n"
          "    cannot be asked: the link from b to c is down\n"
          "d\n"
          "    down for 3 min; it waits at b\n"
          "02\n"
          "    does not understand the question\n");
}
