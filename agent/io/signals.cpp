#include "io/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "base/assert.h"

namespace bus::io {

Signals::Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    BUS_ASSERT(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
    ::signal(SIGPIPE, SIG_IGN);  // a reader of our log or of sd_notify may leave
    fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    BUS_ASSERT(fd_);
}

Signals::Seen Signals::take() {
    Seen seen;
    signalfd_siginfo info;
    while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP)
            seen.reload = true;
        else
            seen.stop = true;
    }
    return seen;
}

}  // namespace bus::io
