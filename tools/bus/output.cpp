#include "output.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "failure.h"

namespace bus::cli {
namespace {

// It may be non-blocking: somebody else's choice for a shared terminal or pipe.
void await_writable(int fd) {
    pollfd out{fd, POLLOUT, 0};
    ::poll(&out, 1, -1);
}

// 0, or the errno with which it is not taken.
int write_all(int fd, std::string_view rest) noexcept {
    while (!rest.empty()) {
        const ssize_t written = ::write(fd, rest.data(), rest.size());
        if (written >= 0)
            rest.remove_prefix(static_cast<std::size_t>(written));
        else if (errno == EAGAIN)
            await_writable(fd);
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

}  // namespace

void write_out(std::string_view bytes) {
    if (const int error = write_all(STDOUT_FILENO, bytes); error != 0)
        throw Failure(ExitCode::output,
                      fmt::format("standard output: {}; what was not written out is not "
                                  "acknowledged and will come again",
                                  std::strerror(error)));
}

void write_error(std::string_view bytes) noexcept {
    static_cast<void>(write_all(STDERR_FILENO, bytes));
}

void LineBuffer::add(std::string_view bytes) {
    rest_ += bytes;
    const auto end = rest_.rfind('\n');
    if (end != std::string::npos) {
        write_(std::string_view{rest_}.substr(0, end + 1));
        rest_.erase(0, end + 1);
        in_line_ = false;
    }
    if (rest_.size() < line_bytes_max) return;
    write_(rest_);
    rest_.clear();
    in_line_ = true;
}

void LineBuffer::finish() {
    if (rest_.empty() && !in_line_) return;
    rest_ += '\n';
    write_(rest_);
    rest_.clear();
    in_line_ = false;
}

}  // namespace bus::cli
