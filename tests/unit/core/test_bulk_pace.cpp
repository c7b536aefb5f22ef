#include <doctest/doctest.h>

#include "core/bulk_pace.h"

using namespace bus;
using namespace bus::core;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t part = 57'000;

// A line that carries so many bytes a second, one after the other, and has a round trip besides.
struct Line {
    double bytes_per_second = 0;
    Duration round_trip{};
    BulkPace pace;
    Time now{1'000s};
    Time free_at = now;
    std::uint64_t count = 0;
    std::deque<std::pair<Time, std::uint64_t>> arriving;
    std::uint64_t carried = 0;

    void send() {
        const std::chrono::duration<double> takes{static_cast<double>(part) / bytes_per_second};
        free_at = std::max(free_at, now) + std::chrono::duration_cast<Duration>(takes);
        pace.on_sent(++count, part, now);
        arriving.emplace_back(free_at + round_trip, count);
    }
    // As fast as the pace allows. The longest that something would have waited for the line.
    Duration fill(Duration length) {
        Duration longest{};
        const Time warm = now + length / 2, end = now + length;
        while (now < end) {
            while (pace.has_room()) send();
            if (now > warm) longest = std::max(longest, free_at - now);
            now = arriving.front().first;
            pace.on_received(arriving.front().second, now);
            arriving.pop_front();
            carried += part;
        }
        return longest;
    }
};

}  // namespace

TEST_CASE("one part may always be on the line") {
    BulkPace pace;
    CHECK(pace.has_room());
    Time now{1'000s};
    for (std::uint64_t count = 1; count < 100; ++count) {
        while (pace.has_room()) pace.on_sent(count, part, now);
        now += 10s;
        pace.on_received(count, now);
        CHECK(pace.has_room());
    }
}

TEST_CASE(
    "a large message keeps a line busy, and what comes beside it waits for a few parts only") {
    for (const double megabytes : {1.0, 12.5, 100.0})
        for (const Duration round_trip : {Duration{100us}, Duration{20ms}, Duration{150ms}}) {
            CAPTURE(megabytes);
            CAPTURE(round_trip.count());
            Line line{.bytes_per_second = megabytes * 1e6, .round_trip = round_trip};
            const Duration waits = line.fill(60s);
            const std::chrono::duration<double> parts{8 * part / line.bytes_per_second};
            CHECK(waits <= std::chrono::duration_cast<Duration>(parts));
            // A window of 4 MiB carries no more on a long and fast line.
            const double possible = std::min(
                line.bytes_per_second, 4e6 / std::chrono::duration<double>(round_trip).count());
            CHECK(static_cast<double>(line.carried) / 60 > 0.6 * possible);
        }
}

TEST_CASE("a new session finds an empty line") {
    BulkPace pace;
    const Time now{1'000s};
    for (std::uint64_t count = 1; pace.has_room(); ++count) pace.on_sent(count, part, now);
    pace.restart();
    CHECK(pace.has_room());
}
