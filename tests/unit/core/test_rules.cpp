#include <doctest/doctest.h>

#include "core/rules.h"

using namespace bus::core;

TEST_CASE("a uid without a rule may do everything, with one only what it lists") {
    Settings settings;
    settings.own_uid = 7;
    settings.rules[1000] = {.publish = {"orders.**"}, .receive = {"invoices"}};
    settings.rules[7] = {};
    const Rules rules{settings};
    using bus::wire::Kind;
    CHECK(rules.may_publish(1001, Kind::topic, "anything"));
    CHECK(rules.may_publish(7, Kind::topic, "anything"));
    CHECK(rules.may_publish(1000, Kind::topic, "orders.eu"));
    CHECK_FALSE(rules.may_publish(1000, Kind::topic, "prices.eu"));
    CHECK_FALSE(rules.may_publish(1000, Kind::queue, "orders.eu"));
    CHECK(rules.may_consume(1000, Kind::queue, "invoices"));
    CHECK_FALSE(rules.may_consume(1000, Kind::topic, "invoices"));
}
