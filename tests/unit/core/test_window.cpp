#include <doctest/doctest.h>

#include "core/settle_time.h"
#include "core/window.h"

using namespace bus;
using namespace bus::core;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t no_share = ~0ull;

void receive(WindowControl& window, std::uint64_t bytes_per_second, Duration during) {
    constexpr std::uint64_t frame = 64 * 1024;
    Time now{};
    const auto step = Duration{frame * 1'000'000'000ull / bytes_per_second};
    for (; now < Time{during}; now += step) window.on_received(frame, now);
}

}  // namespace

TEST_CASE("a fast line gets the whole window, a slow one little") {
    WindowControl fast;
    receive(fast, 100'000'000, 5s);
    CHECK(fast.bytes(no_share) == limits::link_window_max);
    WindowControl slow;
    receive(slow, 6'250, 10min);  // 50 kbit/s
    CHECK(slow.bytes(no_share) == limits::link_window_min);
    CHECK(fast.bytes(limits::link_window_min) == limits::link_window_min);
}

TEST_CASE("grace follows the time that settling takes") {
    SettleTime time;
    CHECK(time.grace() == Duration{limits::grace_max});
    for (int i = 0; i < 100; ++i) time.sample(400us);
    CHECK(time.grace() == Duration{limits::grace_min});
    for (int i = 0; i < 100; ++i) time.sample(4ms);
    CHECK(time.grace() > Duration{3ms});
    for (int i = 0; i < 100; ++i) time.sample(200ms);
    CHECK_FALSE(time.grace().has_value());
}
