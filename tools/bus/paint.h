// Colours, where they are wanted.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace bus::cli {

// On a terminal, and the user has not asked for none.
inline bool wants_colours() {
    return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
}

class Paint {
  public:
    explicit Paint(bool colours) : colours_(colours) {}
    std::string bad(const std::string& text) const { return in("31", text); }
    std::string good(const std::string& text) const { return in("32", text); }
    std::string heading(const std::string& text) const { return in("1", text); }

  private:
    std::string in(const char* colour, const std::string& text) const {
        return colours_ ? fmt::format("\033[{}m{}\033[0m", colour, text) : text;
    }
    const bool colours_;
};

}  // namespace bus::cli
