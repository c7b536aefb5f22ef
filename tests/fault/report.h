// Lines on standard output that outlive the program: what is in the pipe stays there after SIGKILL.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bus::fault {

inline void report(std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            std::perror("standard output");
            std::exit(1);
        }
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace bus::fault
