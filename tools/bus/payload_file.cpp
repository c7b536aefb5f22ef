#include "payload_file.h"

#include <bus/error.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "interruption.h"

namespace bus::cli {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;
constexpr std::size_t memory_bytes_max = 1024 * 1024;

[[noreturn]] void fail(const std::string& name, int error) {
    throw Error(fmt::format("{}: {}", name, std::strerror(error)));
}

// Nameless: it is gone with us.
UniqueFd temporary_file() {
    const char* const set = std::getenv("TMPDIR");
    const std::string folder = set && *set ? set : "/var/tmp";
    UniqueFd file{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (!file) fail("a temporary file in " + folder, errno);
    return file;
}

void write_all(const UniqueFd& file, const char* from, std::size_t bytes) {
    while (bytes > 0) {
        const ssize_t written = ::write(file.get(), from, bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("a temporary file", errno);
        from += written;
        bytes -= static_cast<std::size_t>(written);
    }
}

// nullopt: interrupted. 0: the end.
std::optional<std::size_t> read_input(char* into, std::size_t bytes,
                                      const Interruption& interruption) {
    for (;;) {
        pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {interruption.fd(), POLLIN, 0}};
        while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
        }
        if (fds[1].revents != 0) return std::nullopt;
        const ssize_t got = ::read(STDIN_FILENO, into, bytes);
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR && errno != EAGAIN) fail("standard input", errno);
    }
}

}  // namespace

PayloadFile::PayloadFile(const std::string& path)
    : name_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!file_) fail(name_, errno);
    take_size(0);
}

void PayloadFile::take_size(std::uint64_t from) {
    struct stat found {};
    if (::fstat(file_.get(), &found) != 0) fail(name_, errno);
    if (!S_ISREG(found.st_mode)) throw Error(fmt::format("{}: is no regular file", name_));
    const auto bytes = static_cast<std::uint64_t>(found.st_size);
    size_ = bytes - std::min(bytes, from);
}

std::optional<PayloadFile> PayloadFile::standard_input(const Interruption& interruption) {
    PayloadFile input;
    input.name_ = "standard input";
    struct stat found {};
    if (::fstat(STDIN_FILENO, &found) == 0 && S_ISREG(found.st_mode)) {
        input.file_.reset(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
        const off_t at = ::lseek(STDIN_FILENO, 0, SEEK_CUR);
        if (!input.file_ || at < 0) fail(input.name_, errno);
        input.take_size(static_cast<std::uint64_t>(at));
        return input;
    }
    if (!input.spool(interruption)) return std::nullopt;
    return input;
}

// false: interrupted.
bool PayloadFile::spool(const Interruption& interruption) {
    buffer_.resize(memory_bytes_max);
    for (;;) {
        if (held_ == buffer_.size()) {
            if (!file_) file_ = temporary_file();
            write_all(file_, buffer_.data(), held_);
            held_ = 0;
        }
        const auto got = read_input(buffer_.data() + held_, buffer_.size() - held_, interruption);
        if (!got) return false;
        held_ += *got;
        size_ += *got;
        if (*got == 0) break;
    }
    if (!file_) return true;
    write_all(file_, buffer_.data(), held_);
    held_ = 0;
    if (::lseek(file_.get(), 0, SEEK_SET) != 0) fail(name_, errno);
    return true;
}

std::string_view PayloadFile::next() {
    if (!file_) return {buffer_.data(), std::exchange(held_, 0)};
    buffer_.resize(piece_bytes);
    const auto most = std::min<std::uint64_t>(buffer_.size(), size_ - read_);
    if (most == 0) return {};
    ssize_t got = 0;
    do got = ::read(file_.get(), buffer_.data(), most);
    while (got < 0 && errno == EINTR);
    if (got < 0) fail(name_, errno);
    if (got == 0) throw Error(fmt::format("{}: has become shorter while it is sent", name_));
    read_ += static_cast<std::uint64_t>(got);
    return {buffer_.data(), static_cast<std::size_t>(got)};
}

std::string PayloadFile::rest() {
    std::string all;
    for (auto piece = next(); !piece.empty(); piece = next()) all += piece;
    return all;
}

}  // namespace bus::cli
