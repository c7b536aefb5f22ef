#include "io/accept_guard.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

#include "base/assert.h"

namespace bus::io {
namespace {

// Any thread of libzmq's that accepts.
std::mutex reserve_mutex;
int reserve_fd = -1;
std::atomic<std::uint64_t> refused{0};

int reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

int real_accept(int listener, sockaddr* address, socklen_t* length, int flags) {
    return static_cast<int>(::syscall(SYS_accept4, listener, address, length, flags));
}

// Takes the waiting connection and closes it.
void turn_away(int listener) {
    const std::lock_guard lock{reserve_mutex};
    if (reserve_fd >= 0) ::close(reserve_fd);  // else another thread was quicker last time
    const int stranger = real_accept(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (stranger >= 0) ::close(stranger);
    reserve_fd = reserve();
    refused.fetch_add(1, std::memory_order_relaxed);
}

int guarded_accept(int listener, sockaddr* address, socklen_t* length, int flags) {
    const int fd = real_accept(listener, address, length, flags);
    if (fd >= 0 || errno != EMFILE) return fd;
    turn_away(listener);
    errno = ECONNABORTED;
    return -1;
}

}  // namespace

void guard_accept() {
    rlimit limit{};
    BUS_ASSERT(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);  // never more than is allowed already
    const std::lock_guard lock{reserve_mutex};
    if (reserve_fd < 0) reserve_fd = reserve();
}

std::uint64_t connections_refused() noexcept { return refused.load(std::memory_order_relaxed); }

std::uint64_t descriptors_max() noexcept {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace bus::io

extern "C" {

__attribute__((visibility("default"))) int accept4(int listener, sockaddr* address,
                                                   socklen_t* length, int flags) {
    return bus::io::guarded_accept(listener, address, length, flags);
}

__attribute__((visibility("default"))) int accept(int listener, sockaddr* address,
                                                  socklen_t* length) {
    return bus::io::guarded_accept(listener, address, length, 0);
}
}
