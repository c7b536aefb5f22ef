// The simulator itself: the same seed is the same run, and healthy links leave
// the disk alone.
#include <doctest/doctest.h>

#include "limits.h"
#include "runner.h"

namespace bus::sim {

TEST_CASE("the same seed gives the same run, step by step") {
    for (const std::uint64_t seed : {3u, 14u, 159u}) {
        Result first, second;
        REQUIRE_FALSE(run_seed(seed, false, false, first));
        REQUIRE_FALSE(run_seed(seed, false, false, second));
        CHECK(first.steps == second.steps);
        CHECK(first.hash == second.hash);
        CHECK(first.messages > 0);
    }
}

TEST_CASE("two seeds give two runs") {
    Result first, second;
    REQUIRE_FALSE(run_seed(3, false, false, first));
    REQUIRE_FALSE(run_seed(4, false, false, second));
    CHECK(first.hash != second.hash);
}

TEST_CASE("while links are healthy and consumers keep up, the disk is idle") {
    std::uint64_t messages = 0, written = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const Result result = Cluster{seed, false, draw_quiet_plan}.run();
        messages += result.messages;
        written += result.batches_written;
    }
    CHECK(messages > 5'000);
    CHECK(written == 0);
}

TEST_CASE("a backlog larger than memory is on disk, and arrives") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        const Result result = Cluster{seed, false, draw_flood_plan}.run();
        CHECK(result.batches_written > result.messages / 2);
        CHECK(result.memory_bytes_most > limits::stream_memory);
    }
}

TEST_CASE("fifty agents find their ways, and find others when hubs are lost") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        const Result result = Cluster{seed, false, draw_routes_plan}.run();
        CHECK(result.messages > 1'000);
    }
}

TEST_CASE("late joiners get the last value of each channel, behind crashes and across relays") {
    std::uint64_t runs = 0, given = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Cluster cluster{seed, false};
        if (cluster.plan().retained.empty()) continue;
        ++runs;
        given += cluster.run().last_values;
    }
    CHECK(runs > 10);
    CHECK(given > 4 * runs);
}

TEST_CASE("a restored journal is refused by name, for its incarnation as for its tickets") {
    std::uint64_t older = 0, stale = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const Result result = Cluster{seed, false, draw_backups_plan}.run();
        older += result.refusals;
        stale += result.stale_refusals;
    }
    CHECK(older > 10);  // until its clock is set
    CHECK(stale > 10);  // until its operator lets it rejoin
}

TEST_CASE("a payload tells whose it is, and whether it is as it was sent") {
    auto payload = Book::payload(7, 100);
    CHECK(Book::payload_id(payload) == MessageId{7});
    payload[50] ^= std::byte{1};
    CHECK_FALSE(Book::payload_id(payload));
}

}  // namespace bus::sim
