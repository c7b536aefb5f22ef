#include "journal/high_water.h"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "bus/error.h"

namespace bus::journal {
namespace {

// Magic, commits, incarnation, last batch, checksum; one write of one sector.
using Words = std::array<std::uint64_t, 5>;
constexpr std::uint64_t magic = 0x3152'4554'4157'4948;  // "HIWATER1"

std::uint64_t checksum(const Words& words) {
    return XXH3_64bits(words.data(), sizeof words - sizeof words.back());
}

}  // namespace

HighWater::HighWater(const std::string& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640)) {
    if (!fd_) throw Error(path + ": cannot open: " + std::strerror(errno));
    Words words{};
    if (::pread(fd_.get(), words.data(), sizeof words, 0) != sizeof words) return;
    if (words[0] != magic || words[4] != checksum(words)) return;
    found_ = {words[1], words[2], core::BatchId{words[3]}};
}

void HighWater::write(const Mark& mark) noexcept {
    Words words{magic, mark.commits, mark.incarnation, mark.last_batch.value, 0};
    words[4] = checksum(words);
    // A torn mark fails its checksum and then counts as none.
    static_cast<void>(::pwrite(fd_.get(), words.data(), sizeof words, 0) == sizeof words);
}

void HighWater::sync() noexcept { static_cast<void>(::fdatasync(fd_.get()) == 0); }

}  // namespace bus::journal
