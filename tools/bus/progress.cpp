#include "progress.h"

#include <unistd.h>

#include <iostream>

namespace bus::cli {

using namespace std::chrono_literals;

namespace {
constexpr auto first_after = 1s;
constexpr auto interval = 200ms;
}  // namespace

Progress::Progress() : on_terminal_(::isatty(STDERR_FILENO) == 1), next_(start_ + first_after) {}
Progress::~Progress() { clear(); }

void Progress::show(const std::string& line) {
    if (!on_terminal_) return;
    std::cerr << "\r\033[K" << line << std::flush;
    shown_ = true;
}

void Progress::update(const std::function<std::string()>& line) {
    if (!on_terminal_) return;
    if (const auto now = Clock::now(); now >= next_) {
        next_ = now + interval;
        show(line());
    }
}

void Progress::clear() {
    if (!shown_) return;
    std::cerr << "\r\033[K" << std::flush;
    shown_ = false;
}

double Progress::seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
}

}  // namespace bus::cli
