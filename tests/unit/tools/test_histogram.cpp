#include <bus/error.h>
#include <doctest/doctest.h>

#include "bench/histogram.h"

using bus::bench::Histogram;

TEST_CASE("percentiles are right to one percent over nine orders of magnitude") {
    for (std::int64_t value = 1; value < 1'000'000'000; value = value * 3 + 1) {
        Histogram histogram;
        histogram.record(value);
        CHECK(histogram.percentile_micros(0.5) * 1000 ==
              doctest::Approx(static_cast<double>(value)).epsilon(0.01));
    }
}

TEST_CASE("a percentile is the value that so many samples do not exceed") {
    Histogram histogram;
    for (int micros = 1; micros <= 1000; ++micros) histogram.record(micros * 1000);
    CHECK(histogram.percentile_micros(0.5) == doctest::Approx(500).epsilon(0.01));
    CHECK(histogram.percentile_micros(0.99) == doctest::Approx(990).epsilon(0.01));
    CHECK(histogram.percentile_micros(0.999) == doctest::Approx(999).epsilon(0.01));
    CHECK(histogram.samples() == 1000);
}

TEST_CASE("an empty histogram has no latency, and a clock that ran backwards none below zero") {
    CHECK(Histogram{}.percentile_micros(0.99) == 0);
    Histogram histogram;
    histogram.record(-5);
    CHECK(histogram.percentile_micros(1) == 0);
}

TEST_CASE("a histogram survives being a line of text, and adds up") {
    Histogram one;
    for (int i = 0; i < 100; ++i) one.record(i * 7919);
    Histogram two = Histogram::from_text(one.to_text());
    CHECK(two.to_text() == one.to_text());
    CHECK(Histogram::from_text("").samples() == 0);
    two.add(one);
    CHECK(two.samples() == 200);
    CHECK(two.percentile_micros(0.5) == one.percentile_micros(0.5));
}

TEST_CASE("a text that is no histogram is refused") {
    for (const char* text : {"x", "1", "1:", "1:2;3:4", ":3"})
        CHECK_THROWS_AS((void)Histogram::from_text(text), bus::Error);
}
