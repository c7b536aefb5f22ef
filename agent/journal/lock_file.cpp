#include "journal/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "bus/error.h"

namespace bus::journal {
namespace {

std::string holder(int fd) {
    std::array<char, 32> text{};
    const auto length = ::pread(fd, text.data(), text.size(), 0);
    return length > 0
               ? " (process " + std::string(text.data(), static_cast<std::size_t>(length)) + ")"
               : "";
}

}  // namespace

LockFile::LockFile(const std::string& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640)) {
    if (!fd_ && errno == ENOENT)  // made here it could be the empty place of a disk not mounted
        throw Error(path +
                    ": cannot be made, its folder does not exist; make the folder, or name "
                    "another in \"journal\": {\"path\": ...}");
    if (!fd_) throw Error(path + ": cannot open: " + std::strerror(errno));
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            throw Error(path + ": another agent" + holder(fd_.get()) + " has this journal");
        throw Error(path + ": cannot lock: " + std::strerror(errno));
    }
    const std::string pid = std::to_string(::getpid());
    // Only people read it; a full disk must not keep the agent from starting.
    const bool named =
        ::ftruncate(fd_.get(), 0) == 0 && ::pwrite(fd_.get(), pid.data(), pid.size(), 0) >= 0;
    static_cast<void>(named);
}

}  // namespace bus::journal
