// One agent to a directory, and only its own sockets in it.
#include "io/runtime_dir.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "bus/error.h"

namespace bus::io {
namespace {

namespace fs = std::filesystem;

struct Scratch {
    const fs::path path =
        fs::temp_directory_path() / ("bus-runtime-" + std::to_string(random_u64()));
    Scratch() { fs::create_directory(path); }
    ~Scratch() { fs::remove_all(path); }
};

std::string error_of(const fs::path& path) try {
    const RuntimeDir dir{path};
    return "";
} catch (const Error& error) {
    return error.what();
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("a missing directory is made, closed to others") {
    const Scratch scratch;
    const RuntimeDir dir{scratch.path / "run"};
    struct stat status {};
    REQUIRE(::stat((scratch.path / "run").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == (0750 & ~0u));
    CHECK(dir.bus_endpoint() == "ipc://" + (scratch.path / "run/bus.sock").string());
}

TEST_CASE("a second agent is told that there is one, and the first is not disturbed") {
    const Scratch scratch;
    {
        const RuntimeDir first{scratch.path};
        CHECK(contains(error_of(scratch.path), "another agent runs there"));
    }
    CHECK(error_of(scratch.path) == "");
}

TEST_CASE("sockets that a killed agent left are removed, other files are not") {
    const Scratch scratch;
    const UniqueFd left{::socket(AF_UNIX, SOCK_DGRAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (scratch.path / "bus.sock").c_str());
    REQUIRE(::bind(left.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    std::ofstream{scratch.path / "admin.sock"} << "not a socket";
    const RuntimeDir dir{scratch.path};
    CHECK_FALSE(fs::exists(scratch.path / "bus.sock"));
    CHECK(fs::exists(scratch.path / "admin.sock"));
}

TEST_CASE("a socket is its owner's alone until it is opened to a group") {
    const Scratch scratch;
    const fs::path path = scratch.path / "admin.sock";
    const UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    {
        const SocketUmask rights{SocketUmask::For::owner};
        REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    open_to_group("ipc://" + path.string(), ::getegid());
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0660);
    CHECK(status.st_gid == ::getegid());
    fs::remove(path);
    try {
        open_to_group("ipc://" + path.string(), ::getegid());
        FAIL("it was opened");
    } catch (const Error& error) {
        CHECK(contains(error.what(), "a member of \"admin_group\""));
    }
}

TEST_CASE("a path that does not fit a unix socket is refused with its excess") {
    const Scratch scratch;
    const fs::path longest =
        scratch.path / std::string(107 - scratch.path.string().size() - 12, 'x');
    CHECK(error_of(longest) == "");
    CHECK(contains(error_of(longest.string() + "y"), "1 bytes too long"));
}

TEST_CASE("a file in the directory's place is an error that names it") {
    const Scratch scratch;
    std::ofstream{scratch.path / "run"} << "x";
    CHECK(contains(error_of(scratch.path / "run"), (scratch.path / "run").string()));
}

}  // namespace
}  // namespace bus::io
