// The runtime directory: held by one agent at a time, with the sockets of
// that agent only. Binding an ipc path that is alive steals it in silence, so
// a lock file decides (flock: the kernel lets go of it with the process).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/unique_fd.h"

namespace bus::io {

class RuntimeDir {
  public:
    // Makes the directory (mode 0750) if it is missing, takes the lock and removes sockets that a
    // killed agent left. Throws Error: another agent is there, a path would be longer than a unix
    // socket's may be, or the file system says no.
    explicit RuntimeDir(const std::filesystem::path& path);
    // Removes the sockets, which libzmq leaves behind; the lock is still held then.
    ~RuntimeDir();
    RuntimeDir(const RuntimeDir&) = delete;
    RuntimeDir& operator=(const RuntimeDir&) = delete;

    // "ipc:///run/bus-agent/bus.sock"
    std::string bus_endpoint() const { return "ipc://" + (path_ / "bus.sock").string(); }
    std::string admin_endpoint() const { return "ipc://" + (path_ / "admin.sock").string(); }

  private:
    const std::filesystem::path path_;
    UniqueFd lock_;
};

// While it lives, files are made with at most mode 0660, or for their owner alone. Before other
// threads, for it is the process's.
class SocketUmask {
  public:
    enum class For { owner_and_group, owner };
    explicit SocketUmask(For whom = For::owner_and_group);
    ~SocketUmask();
    SocketUmask(const SocketUmask&) = delete;
    SocketUmask& operator=(const SocketUmask&) = delete;

  private:
    const unsigned before_;
};

// Opens a socket that was made for its owner alone, "ipc://<path>", to the members of a group as
// well. Throws Error: the group is none of this process's.
void open_to_group(const std::string& endpoint, gid_t group);

}  // namespace bus::io
