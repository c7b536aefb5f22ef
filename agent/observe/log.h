// The agent's lines on standard error, made of events and of the few words it
// has for itself. No line is said twice in a minute, and a flood is cut off
// and counted: a log that fills the disk would be the next failure.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"
#include "core/effects.h"

namespace bus::observe {

enum class Severity { error = 3, warning = 4, notice = 5, info = 6 };  // syslog's numbers

// "link tokyo: connection lost; next attempt in 1.2 s"
std::string line_of(const core::Event& event);
Severity severity_of(core::Event::Kind kind);

// Is standard error the journal? ($JOURNAL_STREAM names its device and inode.)
bool stderr_is_journal();

class Log {
  public:
    // `priorities`: lines begin with "<6>" as journald wants it.
    Log(std::FILE* out, bool priorities) : out_(out), priorities_(priorities) {}

    // Events of batches are for tap and counters; they make no line.
    void event(const core::Event& event, Time now);
    void say(Severity severity, std::string_view line, Time now);
    // What was held back and not told yet. At the end, and when there is time.
    void tell_suppressed(Time now);
    std::uint64_t suppressed() const { return suppressed_total_; }

  private:
    bool is_repeat(std::string_view line, Time now);
    bool has_budget(Time now);
    void write(Severity severity, std::string_view line);

    std::FILE* const out_;
    const bool priorities_;
    std::unordered_map<std::string, Time> said_;  // bounded: see is_repeat
    Time minute_{};                               // since when `lines_` counts
    unsigned lines_ = 0;
    std::uint64_t suppressed_ = 0, suppressed_total_ = 0;
};

}  // namespace bus::observe
