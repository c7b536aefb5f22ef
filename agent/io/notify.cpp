#include "io/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>

namespace bus::io {

Notify::Notify() {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (path == nullptr || *path == 0 || std::strlen(path) >= sizeof address.sun_path) return;
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = 0;  // abstract
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return;
    socket_ = std::move(fd);
    if (const char* micros = std::getenv("WATCHDOG_USEC"))
        watchdog_ = std::chrono::microseconds{std::strtoll(micros, nullptr, 10) / 2};
}

void Notify::say(std::string_view state) const noexcept {
    if (socket_)
        (void)::send(socket_.get(), state.data(), state.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace bus::io
