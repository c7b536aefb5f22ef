#include "client/wakeup.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "bus/error.h"

namespace bus::client {

Wakeup::Wakeup() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!fd_) throw Error{std::string{"cannot make an eventfd: "} + std::strerror(errno)};
}

void Wakeup::ring() noexcept { static_cast<void>(::eventfd_write(fd_.get(), 1)); }

void Wakeup::clear() noexcept {
    eventfd_t value = 0;
    static_cast<void>(::eventfd_read(fd_.get(), &value));
}

}  // namespace bus::client
