#include <doctest/doctest.h>
#include <fcntl.h>

#include "base/unique_fd.h"

using bus::UniqueFd;

namespace {
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
UniqueFd null_device() { return UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }
}  // namespace

TEST_CASE("a descriptor is closed once, by its last owner") {
    int number = -1;
    {
        UniqueFd first = null_device();
        REQUIRE(first);
        number = first.get();
        const UniqueFd second = std::move(first);
        CHECK_FALSE(first);  // NOLINT: moved-from is empty by contract
        CHECK(second.get() == number);
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE("assigning closes what was held, but not itself") {
    UniqueFd fd = null_device();
    const int old = fd.get();
    UniqueFd other = null_device();
    const int kept = other.get();
    fd = std::move(other);
    CHECK_FALSE(is_open(old));
    CHECK(fd.get() == kept);
    UniqueFd& alias = fd;
    fd = std::move(alias);
    CHECK(is_open(kept));
}
