// The watchdog's question: does the journal get anywhere?
#include <doctest/doctest.h>

#include "progress.h"

using namespace bus;
using namespace std::chrono_literals;

TEST_CASE("a commit that takes too long is no progress, and its answer is") {
    Progress progress;
    const Time start{100s};
    CHECK_FALSE(progress.is_stuck(start + 1h));
    progress.submitted(start);
    progress.submitted(start + 50s);  // the first still waits
    CHECK_FALSE(progress.is_stuck(start + Progress::patience));
    CHECK(progress.is_stuck(start + Progress::patience + 1s));
    progress.answered();
    CHECK_FALSE(progress.is_stuck(start + 1h));
}
