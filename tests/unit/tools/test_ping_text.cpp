#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "ping_text.h"

using namespace bus::cli;

TEST_CASE("a hop's line tells the round trip and what it adds to the hop before") {
    CHECK(hop_line(1, {"hub", 0.534, ""}, {}, 5) == "  1  hub         0.53 ms\n");
    CHECK(hop_line(2, {"tokyo", 41.2, ""}, 0.534, 5) == "  2  tokyo      41.20 ms  +40.67 ms\n");
    CHECK(hop_line(3, {"osaka", 41.1, ""}, 41.2, 5) == "  3  osaka      41.10 ms  -0.10 ms\n");
}

TEST_CASE("a hop that gives no answer says why") {
    CHECK(hop_line(2, {"tokyo", {}, "no answer within 5 s"}, 1.0, 5) ==
          "  2  tokyo  no answer within 5 s\n");
}

TEST_CASE("several rounds are summed up for each hop, with those that brought no answer") {
    const std::vector<std::vector<Hop>> rounds{{{"hub", 1.0, ""}, {"tokyo", 9.0, ""}},
                                               {{"hub", 3.0, ""}, {"tokyo", {}, "no answer"}},
                                               {{"hub", 2.0, ""}}};
    CHECK(ping_summary({"hub", "tokyo"}, rounds) ==
          "hop  agent  answers    least   median     most\n"
          "  1  hub     3 of 3  1.00 ms  2.00 ms  3.00 ms\n"
          "  2  tokyo   1 of 3  9.00 ms  9.00 ms  9.00 ms\n");
}

TEST_CASE("programs are told every hop that was asked, and why one gave no answer") {
    // Behind the first, which was silent, only the last was asked.
    const Hop silent{"hub", {}, "no answer within 5 s"};
    const auto json = ping_json({{{"hub", 0.534, ""}}, {silent, {}, {"tokyo", 9.0, ""}}});
    CHECK(json == nlohmann::ordered_json::parse(R"([
        [{"hop": 1, "name": "hub", "rtt_micros": 534, "words": ""}],
        [{"hop": 1, "name": "hub", "rtt_micros": null, "words": "no answer within 5 s"},
         {"hop": 3, "name": "tokyo", "rtt_micros": 9000, "words": ""}]])"));
}
