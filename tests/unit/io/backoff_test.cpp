// How peers come back to a hub that restarts.
#include "io/backoff.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace bus::io {
namespace {

using namespace std::chrono_literals;

// As the diallers have them.
constexpr Duration first = 1s, longest = 10s;

struct Returns {
    std::vector<Duration> attempts;   // all, since the hub was lost
    std::vector<Duration> connected;  // those that found it
};

// All lose the hub in one instant and try until it is there again.
Returns come_back(std::size_t peers, Duration hub_is_away) {
    std::mt19937_64 random{7};
    Returns returns;
    for (std::size_t i = 0; i < peers; ++i) {
        Backoff backoff{first, longest};
        Duration at{};
        do returns.attempts.push_back(at += backoff.next(random()));
        while (at < hub_is_away);
        returns.connected.push_back(at);
    }
    std::ranges::sort(returns.attempts);
    std::ranges::sort(returns.connected);
    return returns;
}

std::size_t most_within(Duration window, const std::vector<Duration>& sorted) {
    std::size_t most = 0, begin = 0;
    for (std::size_t end = 0; end < sorted.size(); ++end) {
        while (sorted[end] - sorted[begin] > window) ++begin;
        most = std::max(most, end - begin + 1);
    }
    return most;
}

std::uint64_t whole(Duration step) { return static_cast<std::uint64_t>(step.count()); }

TEST_CASE("a pause is a random part of a step that doubles up to the longest") {
    Backoff backoff{first, longest};
    CHECK(backoff.next(0) == 0s);
    for (const Duration step :
         {Duration{2s}, Duration{4s}, Duration{8s}, Duration{10s}, Duration{10s}})
        CHECK(backoff.next(whole(step)) == step);
    backoff.reset();
    CHECK(backoff.next(whole(first)) == first);
}

TEST_CASE("1,000 peers that lose their hub in one instant do not come back in one") {
    // A handshake costs the hub 0.6 ms: 160 in 100 ms would keep it busy.
    for (const Duration away : {Duration{0s}, Duration{2s}, Duration{30s}}) {
        CAPTURE(away.count());
        const Returns returns = come_back(1'000, away);
        CHECK(most_within(100ms, returns.connected) <= 160);
        CHECK(most_within(1s, returns.attempts) <= 1'500);
        CHECK(returns.connected.back() <= away + longest);
    }
}

}  // namespace
}  // namespace bus::io
