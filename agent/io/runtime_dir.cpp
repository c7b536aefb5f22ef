#include "io/runtime_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bus/error.h"

namespace bus::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t socket_path_max = 107;  // sockaddr_un, less the final zero

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
    throw Error{"runtime directory " + path.string() + ": " + what};
}

void check_length(const fs::path& directory) {
    const auto longest = (directory / "admin.sock").string().size();
    if (longest > socket_path_max)
        fail(directory, "its name is " + std::to_string(longest - socket_path_max) +
                            " bytes too long for the sockets in it; choose a shorter \"runtime\"");
}

void make(const fs::path& directory) {
    std::error_code error;
    if (fs::is_directory(directory, error)) return;
    if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), error);
    if (::mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST)
        fail(directory, std::string{"cannot be made: "} + std::strerror(errno));
}

UniqueFd take_lock(const fs::path& directory) {
    UniqueFd fd{::open((directory / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!fd) fail(directory, std::string{"cannot make the lock file: "} + std::strerror(errno));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
        fail(directory, errno == EWOULDBLOCK
                            ? "another agent runs there"
                            : std::string{"cannot be locked: "} + std::strerror(errno));
    return fd;
}

void remove_stale(const fs::path& socket) {
    std::error_code error;
    if (fs::is_socket(socket, error) && !fs::remove(socket, error) && error)
        fail(socket, "a stale socket cannot be removed: " + error.message());
}

}  // namespace

RuntimeDir::RuntimeDir(const fs::path& path) : path_(path) {
    check_length(path_);
    make(path_);
    lock_ = take_lock(path_);
    remove_stale(path_ / "bus.sock");
    remove_stale(path_ / "admin.sock");
}

RuntimeDir::~RuntimeDir() {
    std::error_code error;  // what cannot be removed is the next start's to complain of
    for (const char* name : {"bus.sock", "admin.sock"})
        if (fs::is_socket(path_ / name, error)) fs::remove(path_ / name, error);
}

SocketUmask::SocketUmask(For whom) : before_(::umask(whom == For::owner_and_group ? 0117 : 0177)) {}
SocketUmask::~SocketUmask() { ::umask(static_cast<mode_t>(before_)); }

void open_to_group(const std::string& endpoint, gid_t group) {
    const fs::path path = endpoint.substr(std::string_view{"ipc://"}.size());
    if (::chown(path.c_str(), static_cast<uid_t>(-1), group) == 0 &&
        ::chmod(path.c_str(), 0660) == 0)
        return;
    const int error = errno;
    throw Error{path.string() + " cannot be given to the group " + std::to_string(group) + ": " +
                std::strerror(error) + "; the agent's user has to be a member of \"admin_group\""};
}

}  // namespace bus::io
