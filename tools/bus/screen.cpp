#include "screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace bus::cli {
namespace {

constexpr std::string_view home = "\033[H", clear_line = "\033[K", clear_below = "\033[J";

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace

std::string screenful(const std::string& text, unsigned rows) {
    if (rows == 0) return text + "\n";
    const auto lines = lines_of(text);
    // The last row stays empty: a newline there would scroll.
    const std::size_t room = rows > 2 ? rows - 1 : 1;
    const std::size_t shown = lines.size() <= room ? lines.size() : room - 1;
    std::string screen{home};
    for (std::size_t at = 0; at < shown; ++at)
        screen += fmt::format("{}{}\n", lines[at], clear_line);
    if (shown < lines.size())
        screen += fmt::format("({} more lines){}\n", lines.size() - shown, clear_line);
    return screen += clear_below;
}

unsigned terminal_rows() {
    winsize size{};
    if (::isatty(STDOUT_FILENO) != 1 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_row;
}

}  // namespace bus::cli
