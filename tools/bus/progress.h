// One line on standard error that is written over, and only if a person looks:
// on a terminal, and not before a command has taken a second.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace bus::cli {

class Progress {
  public:
    Progress();
    ~Progress();  // clears the line
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // Shows `line` now.
    void show(const std::string& line);
    // Shows what `line` yields, if it is time for it: a few times a second.
    void update(const std::function<std::string()>& line);
    void clear();

    double seconds() const;  // since it was made

  private:
    using Clock = std::chrono::steady_clock;

    const bool on_terminal_;
    const Clock::time_point start_ = Clock::now();
    Clock::time_point next_;
    bool shown_ = false;
};

}  // namespace bus::cli
