#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "bench/tally.h"

using bus::bench::Tally;

namespace {
Tally tally_of(const std::vector<std::uint64_t>& indices) {
    Tally tally;
    for (const std::uint64_t index : indices) tally.count(index);
    return tally;
}
}  // namespace

TEST_CASE("messages in order are all distinct") {
    const Tally tally = tally_of({0, 1, 2, 3});
    CHECK(tally.distinct() == 4);
    CHECK(tally.duplicates() == 0);
}

TEST_CASE("a message that comes twice is a duplicate, wherever it stands") {
    CHECK(tally_of({0, 1, 1, 0}).duplicates() == 2);
    const Tally beyond_a_gap = tally_of({5, 6, 7, 6});
    CHECK(beyond_a_gap.distinct() == 3);
    CHECK(beyond_a_gap.duplicates() == 1);
}

TEST_CASE("what is missing is not counted until it comes") {
    CHECK(tally_of({0, 2, 3}).distinct() == 3);
    const Tally filled = tally_of({0, 2, 3, 1, 4});
    CHECK(filled.distinct() == 5);
    CHECK(filled.duplicates() == 0);
}

TEST_CASE("any order of arrival, with every message twice, counts the same") {
    std::vector<std::uint64_t> indices(1000);
    std::iota(indices.begin(), indices.begin() + 500, 0);
    std::iota(indices.begin() + 500, indices.end(), 0);
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::shuffle(indices.begin(), indices.end(), std::mt19937{seed});
        const Tally tally = tally_of(indices);
        CHECK(tally.distinct() == 500);
        CHECK(tally.duplicates() == 500);
    }
}

TEST_CASE("runs behind gaps count the same, in whatever order the gaps are filled") {
    std::vector<std::vector<std::uint64_t>> runs;
    for (std::uint64_t first = 0; first < 1000; first += 1 + first % 17) {
        runs.emplace_back(1 + first % 17);
        std::iota(runs.back().begin(), runs.back().end(), first);
    }
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::shuffle(runs.begin(), runs.end(), std::mt19937{seed});
        Tally tally;
        std::uint64_t distinct = 0;
        for (const auto& run : runs)
            for (const std::uint64_t index : run) {
                CHECK(tally.count(index));
                CHECK(tally.distinct() == ++distinct);
            }
        for (const auto& run : runs) CHECK_FALSE(tally.count(run.back()));
        CHECK(tally.duplicates() == runs.size());
    }
}
