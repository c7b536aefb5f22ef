// Latencies, counted in buckets that are 1/128 of their value wide, so that
// samples of several runs and processes can be added up and percentiles of
// any rank are right to better than one percent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace bus::bench {

class Histogram {
  public:
    void record(std::int64_t nanoseconds);  // below zero counts as zero
    void add(const Histogram& other);

    std::uint64_t samples() const noexcept { return samples_; }
    // The value that `share` (0 to 1) of the samples do not exceed, in microseconds. 0 if empty.
    double percentile_micros(double share) const;

    // "bucket:count,bucket:count": one line between processes.
    std::string to_text() const;
    // Throws Error if it is no such text.
    static Histogram from_text(std::string_view text);

  private:
    std::map<std::uint32_t, std::uint64_t> buckets_;
    std::uint64_t samples_ = 0;
};

}  // namespace bus::bench
