#include "core/bulk_pace.h"

#include <algorithm>

namespace bus::core {

void BulkPace::on_sent(std::uint64_t count, std::uint64_t bytes, Time now) {
    on_line_ += bytes;
    sent_.push_back({count, bytes, on_line_, now});
}

void BulkPace::on_received(std::uint64_t count, Time now) {
    Sent last;
    for (; !sent_.empty() && sent_.front().count <= count; sent_.pop_front()) {
        last = sent_.front();
        on_line_ -= last.bytes;
    }
    if (last.count > 0) learn(last, now);
}

void BulkPace::learn(const Sent& one, Time now) {
    const Duration took = std::max(now - one.at, Duration{1});
    if (now - base_since_ > limits::bulk_base_life) {
        older_base_ = base_;
        base_ = took;
        base_since_ = now;
    }
    base_ = std::min(base_, took);
    if (one.at < adapted_) return;  // it was sent under another limit
    adapted_ = now;
    const auto base = static_cast<double>(std::min(base_, older_base_).count());
    const double waited = 1.0 - base / static_cast<double>(took.count());
    adapt(static_cast<std::uint64_t>(static_cast<double>(one.on_line) * waited));
}

// Doubles until something stands in line, then step by step, as TCP Vegas does.
void BulkPace::adapt(std::uint64_t in_line) {
    constexpr std::uint64_t step = limits::bulk_on_line_min;
    if (in_line > limits::bulk_in_line_max) {
        starts_ = false;
        limit_ -= std::min(limit_, in_line > 2 * limits::bulk_in_line_max ? limit_ / 4 : step);
    } else if (in_line < limits::bulk_in_line_min) {
        limit_ += starts_ ? limit_ : step;
    } else {
        starts_ = false;
    }
    limit_ = std::clamp(limit_, limits::bulk_on_line_min, limits::link_window_max);
}

}  // namespace bus::core
