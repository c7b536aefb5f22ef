#include "message_output.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <vector>

#include "failure.h"
#include "figures.h"
#include "interruption.h"
#include "output.h"

namespace bus::cli {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;
// How soon Ctrl-C is noticed while nothing comes.
constexpr std::chrono::milliseconds glance{200};

// Where the next byte goes, in a file; -1: it is none.
off_t place_in_file() {
    struct stat found {};
    if (::fstat(STDOUT_FILENO, &found) != 0 || !S_ISREG(found.st_mode)) return -1;
    return ::lseek(STDOUT_FILENO, 0, SEEK_CUR);
}

bool take_back_to(off_t place) {
    return place >= 0 && ::ftruncate(STDOUT_FILENO, place) == 0 &&
           ::lseek(STDOUT_FILENO, place, SEEK_SET) == place;
}

}  // namespace

bool write_out_parts(Delivery& delivery, const Interruption& interruption) {
    const off_t begin = place_in_file();
    std::vector<char> piece(piece_bytes);
    std::uint64_t written = 0;
    for (;;) try {
            const std::size_t got = delivery.read(std::as_writable_bytes(std::span{piece}), glance);
            if (got == 0) return true;
            write_out({piece.data(), got});
            written += got;
        } catch (const StreamError& error) {
            const bool waits = error.why() == StreamError::Why::timed_out;
            if (waits && !interruption.asked()) continue;
            if (written > 0 && !take_back_to(begin) && !waits)
                throw Failure(ExitCode::failed,
                              fmt::format("{}: {}; {} of its {} bytes are written out",
                                          delivery.message().channel(), error.what(),
                                          grouped(written), grouped(delivery.size())));
            if (!waits)
                std::cerr << fmt::format("bus: {}: {}\n", delivery.message().channel(),
                                         error.what());
            return false;
        }
}

}  // namespace bus::cli
