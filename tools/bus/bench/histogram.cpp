#include "bench/histogram.h"

#include <bus/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace bus::bench {
namespace {

constexpr std::uint32_t sub_bits = 7;
constexpr std::uint64_t exact_below = 1ull << (sub_bits + 1);

std::uint32_t bucket_of(std::uint64_t value) {
    if (value < exact_below) return static_cast<std::uint32_t>(value);
    const auto shift = static_cast<std::uint32_t>(std::bit_width(value)) - sub_bits - 1;
    return (shift << sub_bits) + static_cast<std::uint32_t>(value >> shift);
}

// The middle of the bucket.
double value_of(std::uint32_t bucket) {
    if (bucket < exact_below) return bucket;
    const std::uint32_t shift = (bucket >> sub_bits) - 1;
    const std::uint64_t mantissa = bucket - (shift << sub_bits);
    return std::ldexp(static_cast<double>(mantissa) + 0.5, static_cast<int>(shift));
}

std::uint64_t take_number(std::string_view& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) throw Error("a histogram is bucket:count,bucket:count");
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

bool take(std::string_view& text, char expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

void Histogram::record(std::int64_t nanoseconds) {
    ++buckets_[bucket_of(static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 0)))];
    ++samples_;
}

void Histogram::add(const Histogram& other) {
    for (const auto& [bucket, count] : other.buckets_) buckets_[bucket] += count;
    samples_ += other.samples_;
}

double Histogram::percentile_micros(double share) const {
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(samples_)));
    std::uint64_t below = 0;
    for (const auto& [bucket, count] : buckets_) {
        below += count;
        if (below >= rank) return value_of(bucket) / 1000;
    }
    return 0;
}

std::string Histogram::to_text() const {
    std::string text;
    for (const auto& [bucket, count] : buckets_)
        fmt::format_to(std::back_inserter(text), "{}{}:{}", text.empty() ? "" : ",", bucket, count);
    return text;
}

Histogram Histogram::from_text(std::string_view text) {
    Histogram result;
    while (!text.empty()) {
        const std::uint64_t bucket = take_number(text);
        if (!take(text, ':')) throw Error("a histogram is bucket:count,bucket:count");
        const std::uint64_t count = take_number(text);
        result.buckets_[static_cast<std::uint32_t>(bucket)] += count;
        result.samples_ += count;
        if (!text.empty() && !take(text, ','))
            throw Error("a histogram has commas between buckets");
    }
    return result;
}

}  // namespace bus::bench
