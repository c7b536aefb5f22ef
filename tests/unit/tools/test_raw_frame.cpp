#include <doctest/doctest.h>

#include <numeric>

#include "bench/raw_frame.h"
#include "wire/batch.h"

using namespace bus;
using bench::raw_frames;

TEST_CASE("the raw pipe's frames hold what a batch of libbus holds") {
    const auto full = raw_frames(100, false);
    CHECK(full.messages == wire::batch_body_bytes_max / 110);
    CHECK(full.bytes.size() == 1);
    CHECK(full.bytes.front() > full.messages * 110);
    CHECK(full.bytes.front() <= wire::frame_bytes_max);
    CHECK(raw_frames(100, true).messages == 1);
}

TEST_CASE("a message too large for one batch is several frames of its bytes") {
    const auto large = raw_frames(1'000'000, false);
    CHECK(large.messages == 1);
    CHECK(large.bytes.size() > 15);
    const auto all = std::accumulate(large.bytes.begin(), large.bytes.end(), std::uint64_t{0});
    CHECK(all > 1'000'000);
    CHECK(all < 1'010'000);
    for (const auto bytes : large.bytes) CHECK(bytes <= wire::frame_bytes_max);
}
