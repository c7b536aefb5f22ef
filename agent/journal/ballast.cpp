#include "journal/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/unique_fd.h"

namespace bus::journal {

Ballast::Ballast(std::string path, std::uint64_t bytes) : path_(std::move(path)), bytes_(bytes) {}

bool Ballast::load() noexcept {
    if (reserve(path_, bytes_)) return true;
    release();  // half a ballast only takes away what it is for
    return false;
}

bool Ballast::release() noexcept { return ::unlink(path_.c_str()) == 0; }

bool reserve(const std::string& path, std::uint64_t bytes) noexcept {
    const UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640)};
    struct stat before {};
    if (!fd || ::fstat(fd.get(), &before) != 0) return false;
    static constexpr char zeros[64 * 1024]{};
    auto at = static_cast<std::uint64_t>(before.st_size);
    while (at < bytes) {
        const auto step = std::min<std::uint64_t>(sizeof zeros, bytes - at);
        const auto written = ::pwrite(fd.get(), zeros, step, static_cast<off_t>(at));
        if (written <= 0) {
            static_cast<void>(::ftruncate(fd.get(), before.st_size) == 0);  // best effort
            return false;
        }
        at += static_cast<std::uint64_t>(written);
    }
    return at == static_cast<std::uint64_t>(before.st_size) || ::fdatasync(fd.get()) == 0;
}

std::uint64_t free_bytes(const std::string& path) noexcept {
    struct statvfs now {};
    // Where it cannot be known, the write itself will tell.
    if (::statvfs(path.c_str(), &now) != 0) return std::numeric_limits<std::int64_t>::max();
    return std::uint64_t{now.f_bavail} * now.f_frsize;
}

std::uint64_t file_bytes(const std::string& path) noexcept {
    struct stat now {};
    return ::stat(path.c_str(), &now) == 0 ? static_cast<std::uint64_t>(now.st_size) : 0;
}

}  // namespace bus::journal
