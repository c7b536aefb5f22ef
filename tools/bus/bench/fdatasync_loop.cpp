#include "bench/fdatasync_loop.h"

#include <bus/error.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/unique_fd.h"
#include "bench/dialogue.h"

namespace bus::bench {

double fdatasync_appends_per_second(const std::filesystem::path& folder, std::uint64_t bytes,
                                    std::chrono::duration<double> length) {
    const std::string path = (folder / "fdatasync").string();
    const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!file) throw Error(fmt::format("{}: {}", path, std::strerror(errno)));
    ::unlink(path.c_str());
    const std::vector<char> batch(bytes, 'x');
    const std::int64_t start = now_nanos();
    std::uint64_t appends = 0;
    double seconds = 0;
    for (; seconds < length.count(); ++appends) {
        if (::write(file.get(), batch.data(), bytes) != static_cast<ssize_t>(bytes) ||
            ::fdatasync(file.get()) != 0)
            throw Error(fmt::format("{}: {}", path, std::strerror(errno)));
        seconds = static_cast<double>(now_nanos() - start) / 1e9;
    }
    return static_cast<double>(appends) / seconds;
}

}  // namespace bus::bench
