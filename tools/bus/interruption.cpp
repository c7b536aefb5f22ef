#include "interruption.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>

#include "failure.h"

namespace bus::cli {
namespace {

sigset_t ending_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    return set;
}

void raise_flag(int eventfd) {
    const std::uint64_t one = 1;
    // An eventfd refuses only at 2^64 - 1.
    if (::write(eventfd, &one, sizeof one) != sizeof one) ::_exit(1);
}

bool is_up(int eventfd) {
    pollfd flag{eventfd, POLLIN, 0};
    return ::poll(&flag, 1, 0) > 0;
}

}  // namespace

Interruption::Interruption()
    : asked_(::eventfd(0, EFD_CLOEXEC)),
      second_(::eventfd(0, EFD_CLOEXEC)),
      over_(::eventfd(0, EFD_CLOEXEC)) {
    if (asked_ < 0 || second_ < 0 || over_ < 0) throw Error("no file descriptors left");
}

void Interruption::begin() {
    const sigset_t set = ending_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
    if (signals_ < 0) throw Error("no file descriptors left");
    watcher_ = std::thread{[this] { watch(); }};
}

Interruption::~Interruption() {
    if (watcher_.joinable()) {
        raise_flag(over_);
        watcher_.join();
    }
    for (const int fd : {signals_, asked_, second_, over_})
        if (fd >= 0) ::close(fd);
}

bool Interruption::asked() const noexcept { return comes_within(std::chrono::milliseconds{0}); }

bool Interruption::comes_within(std::chrono::milliseconds time) const noexcept {
    pollfd flag{asked_, POLLIN, 0};
    return ::poll(&flag, 1, static_cast<int>(time.count())) > 0;
}

void Interruption::watch() {
    for (;;) {
        pollfd fds[2] = {{signals_, POLLIN, 0}, {over_, POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0) continue;
        if (fds[1].revents != 0) return;
        signalfd_siginfo info;
        if (::read(signals_, &info, sizeof info) != sizeof info) continue;
        if (!asked()) {
            raise_flag(asked_);
        } else if (second_awaited_ && !is_up(second_)) {
            raise_flag(second_);
        } else {
            ::_exit(static_cast<int>(ExitCode::interrupted));
        }
    }
}

}  // namespace bus::cli
