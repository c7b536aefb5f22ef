#include "base/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "base/assert.h"

namespace bus {

Time boot_now() noexcept {
    timespec ts{};
    BUS_ASSERT(clock_gettime(CLOCK_BOOTTIME, &ts) == 0);
    return Time{std::chrono::seconds{ts.tv_sec} + std::chrono::nanoseconds{ts.tv_nsec}};
}

std::uint64_t wall_micros() noexcept {
    timespec ts{};
    BUS_ASSERT(clock_gettime(CLOCK_REALTIME, &ts) == 0);
    return static_cast<std::uint64_t>(ts.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(ts.tv_nsec) / 1'000;
}

void random_bytes(std::span<std::byte> out) noexcept {
    while (!out.empty()) {
        const auto got = getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        BUS_ASSERT(got > 0);
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

std::uint64_t random_u64() noexcept {
    std::uint64_t value = 0;
    random_bytes(std::as_writable_bytes(std::span{&value, 1}));
    return value;
}

}  // namespace bus
