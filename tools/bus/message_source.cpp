#include "message_source.h"

#include <bus/error.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "interruption.h"

namespace bus::cli {

namespace {
constexpr std::size_t read_bytes = 256 * 1024;
}

std::optional<std::string_view> MessageSource::next() {
    for (;;) {
        const auto end = buffer_.find('\n', searched_);
        if (end != std::string::npos) {
            const std::string_view line{buffer_.data() + taken_, end - taken_};
            taken_ = searched_ = end + 1;
            return line;
        }
        searched_ = buffer_.size();
        if (read_more()) continue;
        if (!ended_ || taken_ == buffer_.size()) return std::nullopt;
        const std::string_view last{buffer_.data() + taken_, buffer_.size() - taken_};
        taken_ = buffer_.size();
        return last;
    }
}

bool MessageSource::read_more() {
    if (ended_) return false;
    pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {interruption_.fd(), POLLIN, 0}};
    while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (fds[1].revents != 0) return false;
    buffer_.erase(0, taken_);
    searched_ -= taken_;
    taken_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + read_bytes);
    const ssize_t got = ::read(STDIN_FILENO, buffer_.data() + had, read_bytes);
    buffer_.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got < 0 && errno != EINTR && errno != EAGAIN)
        throw Error(fmt::format("standard input: {}", std::strerror(errno)));
    ended_ = got == 0;
    return !ended_;
}

}  // namespace bus::cli
