#include "trace.h"

#include <fmt/format.h>

namespace bus::sim {

void Trace::step(Time now, const std::string& what) {
    using std::chrono::duration_cast;
    const auto micros = duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    for (const char c : what) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
    hash_ = (hash_ ^ static_cast<std::uint64_t>(micros)) * 0x100000001B3ull;
    ++steps_;
    std::string line = fmt::format("{:>7} {:>14.6f}  {}", steps_, double(micros) / 1e6, what);
    if (print_) std::puts(line.c_str());
    last_.push_back(std::move(line));
    if (last_.size() > lines_kept) last_.pop_front();
}

}  // namespace bus::sim
