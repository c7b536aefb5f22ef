#include "core/route_cache.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

using bus::core::Route;
using bus::core::RouteCache;
using bus::wire::Kind;

namespace {

bool knows(RouteCache& cache, std::string_view channel, Kind kind = Kind::topic) {
    return cache.find(kind, channel) != nullptr;
}

}  // namespace

TEST_CASE("a route is remembered by kind and channel") {
    RouteCache cache{10};
    CHECK_FALSE(knows(cache, "a.b"));
    Route& made = cache.renew(Kind::topic, "a.b");
    CHECK(made.channel.name == "a.b");
    CHECK(cache.find(Kind::topic, "a.b") == &made);
    CHECK_FALSE(knows(cache, "a.b", Kind::queue));
    CHECK_FALSE(knows(cache, "a.c"));
}

TEST_CASE("a change of interest ends the routes that its filter matches, and no others") {
    RouteCache cache{10};
    for (const auto* channel : {"a.b", "a.c", "x.y"}) cache.renew(Kind::topic, channel);
    cache.renew(Kind::queue, "a.b");
    cache.note_change(Kind::topic, "a.*");
    CHECK_FALSE(knows(cache, "a.b"));
    CHECK_FALSE(knows(cache, "a.c"));
    CHECK(knows(cache, "x.y"));
    CHECK(knows(cache, "a.b", Kind::queue));
    cache.renew(Kind::topic, "a.b");
    CHECK(knows(cache, "a.b"));
    CHECK_FALSE(knows(cache, "a.c"));
}

TEST_CASE("a route is trusted again only while all changes since are known") {
    RouteCache cache{10};
    cache.renew(Kind::topic, "a.b");
    for (int change = 0; change < 60; ++change) cache.note_change(Kind::topic, "other");
    CHECK(knows(cache, "a.b"));
    for (int change = 0; change < 60; ++change) cache.note_change(Kind::topic, "other");
    CHECK(knows(cache, "a.b"));
    for (int change = 0; change < 70; ++change) cache.note_change(Kind::topic, "other");
    CHECK_FALSE(knows(cache, "a.b"));
}

TEST_CASE("everything can be forgotten at once") {
    RouteCache cache{10};
    cache.renew(Kind::topic, "a.b");
    cache.forget_all();
    CHECK_FALSE(knows(cache, "a.b"));
    cache.renew(Kind::topic, "a.b");
    CHECK(knows(cache, "a.b"));
}

TEST_CASE("when there are too many, one that was not asked for lately makes room") {
    RouteCache cache{4};
    for (const auto* channel : {"a", "b", "c", "d", "e"}) cache.renew(Kind::topic, channel);
    CHECK(cache.size() == 4);
    CHECK_FALSE(knows(cache, "a"));
    for (int n = 0; n < 100; ++n) {
        CHECK(knows(cache, "e"));
        cache.renew(Kind::topic, "passing" + std::to_string(n));
    }
    CHECK(knows(cache, "e"));
    CHECK(knows(cache, "passing99"));
    CHECK(cache.size() == 4);
}

TEST_CASE("what is remembered is what would be decided anew, whatever changed") {
    RouteCache cache{50};
    std::mt19937 random{3};
    const auto token = [&] { return std::string(1, static_cast<char>('a' + random() % 8)); };
    std::multiset<std::string> filters;
    for (int step = 0; step < 20'000; ++step) {
        if (random() % 10 == 0) {
            const auto filter = random() % 3 == 0 ? token() + ".*" : token() + "." + token();
            if (const auto there = filters.find(filter); there != filters.end() && random() % 2)
                filters.erase(there);
            else
                filters.insert(filter);
            cache.note_change(Kind::topic, filter);
            continue;
        }
        const auto channel = token() + "." + token();
        std::size_t wanted = 0;
        for (const auto& filter : filters) wanted += bus::wire::matches(filter, channel) ? 1 : 0;
        const Route* route = cache.find(Kind::topic, channel);
        if (route == nullptr) {
            Route& made = cache.renew(Kind::topic, channel);
            made.groups.resize(wanted);
            route = &made;
        }
        CHECK(route->groups.size() == wanted);
    }
}
