// What a subscription has lost, as people read it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "gap_text.h"

using bus::cli::lost_text;
using Json = nlohmann::ordered_json;

TEST_CASE("nothing lost is nothing told") {
    CHECK(lost_text(Json::object()).empty());
    CHECK(lost_text({{"total", 0}, {"lapsed", 0}, {"last", nullptr}}).empty());
}

TEST_CASE("what was lost, why, and what was last") {
    CHECK(lost_text({{"total", 1200},
                     {"lapsed", 1190},
                     {"best_effort", 10},
                     {"damaged", 0},
                     {"last",
                      {{"reason", "best_effort"},
                       {"channel", "orders.eu"},
                       {"messages", 12},
                       {"from_micros", 1'700'000'000'000'000},
                       {"to_micros", 1'700'000'060'000'000}}}}) ==
          "1,200 lost: 1,190 lapsed, 10 best effort; last 12 on orders.eu, best effort, taken "
          "2023-11-14 22:13:20 UTC to 2023-11-14 22:14:20 UTC");
    CHECK(lost_text({{"total", 0},
                     {"last",
                      {{"reason", "restored"},
                       {"channel", ""},
                       {"messages", 0},
                       {"from_micros", 0},
                       {"to_micros", 0}}}}) == "0 lost; last an unknown number, restored");
}
