#include <doctest/doctest.h>

#include "batches.h"
#include "core/intake.h"

using namespace bus;
using namespace bus::core;

namespace {

std::shared_ptr<Custody> custody(MemoryMeter& meter, std::uint64_t id) {
    auto made = std::make_shared<Custody>(BatchId{id}, test::make_batch({.sequence = id}), meter);
    made->unsettled = 1;
    return made;
}

}  // namespace

TEST_CASE("what is safe is told as a prefix and the ranges beyond it") {
    MemoryMeter meter;
    Intake intake{ProducerId{{1, 1}}, 0};
    for (std::uint64_t n = 1; n <= 6; ++n) intake.take(n, custody(meter, n), 1);
    intake.mark_safe(3);
    intake.mark_safe(5);
    intake.mark_safe(6);
    CHECK(intake.safe_through() == 0);
    CHECK(intake.ranges_beyond() == std::vector<wire::LinkAck::Range>{{3, 3}, {5, 6}});
    intake.mark_safe(1);
    intake.mark_safe(2);
    CHECK(intake.safe_through() == 3);
    CHECK(intake.ranges_beyond() == std::vector<wire::LinkAck::Range>{{5, 6}});
    intake.mark_safe(4);
    CHECK(intake.safe_through() == 6);
    CHECK(intake.unsafe_bytes() == 0);
    CHECK(intake.empty());
}

TEST_CASE("no more ranges are told than an acknowledgement holds") {
    MemoryMeter meter;
    Intake intake{ProducerId{{1, 1}}, 0};
    for (std::uint64_t n = 1; n <= 100; ++n) intake.take(n, custody(meter, n), 1);
    for (std::uint64_t n = 2; n <= 100; n += 2) intake.mark_safe(n);
    CHECK(intake.ranges_beyond().size() == wire::ack_ranges_max);
}

TEST_CASE("numbers may have holes") {
    MemoryMeter meter;
    Intake intake{ProducerId{{1, 1}}, 10};
    intake.take(15, custody(meter, 1), 1);
    intake.take_safe(20, 0);
    CHECK(intake.taken() == 20);
    CHECK(intake.safe_through() == 10);
    intake.mark_safe(15);
    CHECK(intake.safe_through() == 20);
}

TEST_CASE("each batch is told safe once, with its destinations") {
    MemoryMeter meter;
    Intake intake{ProducerId{{1, 1}}, 0};
    intake.take(1, custody(meter, 1), 3);
    intake.mark_safe(1);
    intake.mark_safe(1);
    const auto safe = intake.take_newly_safe();
    REQUIRE(safe.size() == 1);
    CHECK(safe[0].destinations == 3);
    CHECK(intake.take_newly_safe().empty());
}
