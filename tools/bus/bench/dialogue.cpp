#include "bench/dialogue.h"

#include <bus/error.h>
#include <fmt/format.h>
#include <time.h>

#include <iostream>
#include <sstream>

namespace bus::bench {
namespace {

template <class... Fields>
void read_fields(const std::string& line, Fields&... fields) {
    std::istringstream in{line};
    (in >> ... >> fields);
    if (!in) throw Error(fmt::format("not understood: \"{}\"", line));
}

}  // namespace

std::int64_t now_nanos() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}

std::string to_line(const Run& run) {
    return fmt::format("{} {} {}", run.seconds, run.rate, run.messages);
}
std::string to_line(const Sent& s) {
    return fmt::format("{} {} {} {} {} {}", s.messages, s.total, s.not_safe, s.first_nanos,
                       s.last_nanos, s.safe_nanos);
}
std::string to_line(const Expect& expect) {
    return fmt::format("{} {}", expect.total, expect.patience_seconds);
}
std::string to_line(const Received& r) {
    return fmt::format("{} {} {} {} [{}]", r.distinct, r.duplicates, r.duplicates_unmarked,
                       r.last_nanos, r.latency.to_text());
}

Run run_from(const std::string& line) {
    Run run;
    read_fields(line, run.seconds, run.rate, run.messages);
    return run;
}
Sent sent_from(const std::string& line) {
    Sent s;
    read_fields(line, s.messages, s.total, s.not_safe, s.first_nanos, s.last_nanos, s.safe_nanos);
    return s;
}
Expect expect_from(const std::string& line) {
    Expect expect;
    read_fields(line, expect.total, expect.patience_seconds);
    return expect;
}
Received received_from(const std::string& line) {
    Received r;
    std::string latency;
    read_fields(line, r.distinct, r.duplicates, r.duplicates_unmarked, r.last_nanos, latency);
    r.latency = Histogram::from_text(std::string_view{latency}.substr(1, latency.size() - 2));
    return r;
}

void say(const std::string& line) {
    std::cout << line << '\n' << std::flush;
    if (!std::cout) throw Error("the bench that started this has gone");
}

std::optional<std::string> hear() {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
}

}  // namespace bus::bench
