#include <doctest/doctest.h>

#include "wire/names.h"

using namespace bus::wire;

TEST_CASE("a channel is tokens joined by single dots") {
    for (const char* good : {"a", "orders", "plant7.temperature", "A-Z.a_z.0-9"}) {
        CAPTURE(good);
        CHECK(is_channel(good));
    }
    for (const char* bad :
         {"", ".", "a.", ".a", "a..b", "a b", "a/b", "\xC3\xA4", "a.*", "**", "$bus.x", "a\n"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_channel(bad));
    }
    CHECK_FALSE(is_channel(std::string_view{"a\0b", 3}));
}

TEST_CASE("a channel has 255 bytes at most") {
    CHECK(is_channel(std::string(255, 'x')));
    CHECK_FALSE(is_channel(std::string(256, 'x')));
    CHECK_FALSE(is_filter(std::string(256, 'x')));
    CHECK_FALSE(is_name(std::string(256, 'x')));
}

TEST_CASE("reserved names are $bus. and a channel") {
    CHECK(is_reserved("$bus.event.lapsed"));
    for (const char* bad :
         {"$bus", "$bus.", "$bus..x", "$bus.x\n", "$bus.*", "bus.x", "$other.x"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_reserved(bad));
    }
    CHECK_FALSE(is_reserved("$bus." + std::string(251, 'x')));
}

TEST_CASE("a filter may have * anywhere and ** at its end") {
    for (const char* good :
         {"a", "*", "**", "a.*", "*.b", "a.*.c", "a.**", "*.**", "$bus.**", "$bus.event.*"}) {
        CAPTURE(good);
        CHECK(is_filter(good));
    }
    for (const char* bad :
         {"", "a.", "**.a", "a**", "a.b*", "a..*", "$bus.", "$bus", "a.$bus.b", "***", "a.>"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_filter(bad));
    }
}

TEST_CASE("a star is one token, two are all that is left") {
    CHECK(matches("a.b", "a.b"));
    CHECK_FALSE(matches("a.b", "a.bc"));
    CHECK_FALSE(matches("a.b", "a"));
    CHECK_FALSE(matches("a", "a.b"));
    CHECK(matches("*", "a"));
    CHECK_FALSE(matches("*", "a.b"));
    CHECK(matches("a.*.c", "a.b.c"));
    CHECK_FALSE(matches("a.*.c", "a.b.b.c"));
    CHECK(matches("**", "a"));
    CHECK(matches("**", "a.b.c"));
    CHECK(matches("a.**", "a.b.c"));
    CHECK_FALSE(matches("a.**", "b.c"));
    CHECK(matches("*.**", "a.b"));
    CHECK_FALSE(matches("*.**", "a"));
}

TEST_CASE("two stars stand for one token at least") { CHECK_FALSE(matches("a.**", "a")); }

TEST_CASE("reserved names are matched only by who names them") {
    CHECK_FALSE(matches("**", "$bus.event.lapsed"));
    CHECK_FALSE(matches("*.**", "$bus.event.lapsed"));
    CHECK_FALSE(matches("*.event.lapsed", "$bus.event.lapsed"));
    CHECK(matches("$bus.**", "$bus.event.lapsed"));
    CHECK(matches("$bus.event.*", "$bus.event.lapsed"));
}

TEST_CASE("a rule covers a filter only if it allows all that the filter could match") {
    CHECK(covers("orders.**", "orders.eu.new"));
    CHECK(covers("orders.**", "orders.*"));
    CHECK(covers("orders.**", "orders.**"));
    CHECK(covers("orders.*", "orders.*"));
    CHECK(covers("orders.*", "orders.eu"));
    CHECK(covers("**", "a.b.c"));
    CHECK_FALSE(covers("orders.*", "orders.**"));
    CHECK_FALSE(covers("orders.eu", "orders.*"));
    CHECK_FALSE(covers("orders.**", "orders"));
    CHECK_FALSE(covers("orders.**", "**"));
    CHECK_FALSE(covers("orders", "orders.eu"));
    CHECK_FALSE(covers("**", "$bus.event.link"));
}

TEST_CASE("a channel's hash depends on its kind, and never changes: journals store it") {
    CHECK(channel_hash(Kind::topic, "orders") != channel_hash(Kind::queue, "orders"));
    CHECK(channel_hash(Kind::topic, "orders") == 12145308562482623739u);
    CHECK(channel_hash(Kind::queue, "plant7.temperature") == 3481820719132998891u);
}

TEST_CASE("kinds have their names") {
    CHECK(to_text(Kind::topic) == "topic");
    CHECK(to_text(Kind::queue) == "queue");
    CHECK(to_text(Kind::service) == "service");
}
