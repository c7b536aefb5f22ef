#include <bus/error.h>
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iterator>
#include <thread>

#include "base/z85.h"
#include "identity.h"
#include "support/temporary_folder.h"

using bus::Identity;
using bus::load_or_create_identity;
using bus::test::TemporaryFolder;

namespace {

std::string text_of(const std::filesystem::path& file) {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
}

// A valid file with one change.
std::string refusal(const std::string& what, const std::string& with) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "identity.key";
    load_or_create_identity(file);
    std::string text = text_of(file);
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    text.replace(at, what.size(), with);
    std::ofstream{file} << text;
    try {
        load_or_create_identity(file);
    } catch (const bus::Error& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("a missing identity is made, readable by its owner only, and read back the same") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "identity.key";
    const Identity made = load_or_create_identity(file);
    CHECK_FALSE(made.agent.is_zero());
    CHECK(made.public_key.size() == bus::curve_key_characters);
    CHECK(made.secret_key.size() == bus::curve_key_characters);
    CHECK(made.public_key != made.secret_key);
    struct stat status {};
    REQUIRE(stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(load_or_create_identity(file) == made);
}

TEST_CASE("nothing but the identity is left in its folder") {
    const TemporaryFolder folder;
    load_or_create_identity(folder.path() / "identity.key");
    const std::filesystem::directory_iterator files{folder.path()};
    CHECK(std::distance(begin(files), end(files)) == 1);
}

TEST_CASE("two identities have nothing in common") {
    const Identity one = bus::make_identity(), two = bus::make_identity();
    CHECK(one.agent != two.agent);
    CHECK(one.public_key != two.public_key);
    CHECK(one.secret_key != two.secret_key);
}

TEST_CASE("of agents that start at once with no identity, all use the same") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "identity.key";
    std::vector<Identity> found(8);
    {
        std::vector<std::jthread> starters;
        for (auto& identity : found)
            starters.emplace_back([&] { identity = load_or_create_identity(file); });
    }
    for (const auto& identity : found) CHECK(identity == found.front());
}

TEST_CASE("a file that others may read is refused with the command that helps") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "identity.key";
    load_or_create_identity(file);
    for (const mode_t mode : {0640u, 0604u, 0620u, 0644u}) {
        CAPTURE(mode);
        REQUIRE(chmod(file.c_str(), mode) == 0);
        CHECK_THROWS_WITH_AS(load_or_create_identity(file),
                             doctest::Contains(("chmod 600 " + file.string()).c_str()), bus::Error);
    }
    REQUIRE(chmod(file.c_str(), 0400) == 0);
    CHECK_NOTHROW(load_or_create_identity(file));
}

TEST_CASE("a damaged file is refused and never replaced") {
    CHECK(refusal("bus-agent", "bus agent").find("is damaged or no identity file") !=
          std::string::npos);
    CHECK(refusal("agent ", "agent f") != "");
    CHECK(refusal("\npublic ", "\npublic 0") != "");
    CHECK(refusal("\nsecret ", "\nsecret x") != "");
    CHECK(refusal("\nsecret", "\nsecre") != "");
    const TemporaryFolder folder;
    const auto file = folder.write("identity.key", "");
    REQUIRE(chmod(file.c_str(), 0600) == 0);
    CHECK_THROWS_AS(load_or_create_identity(file), bus::Error);
    CHECK(text_of(file).empty());
}

TEST_CASE("a public key that is not the secret's is refused") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "identity.key";
    const Identity made = load_or_create_identity(file);
    std::string text = text_of(file);
    text.replace(text.find(made.public_key), 40, bus::make_identity().public_key);
    std::ofstream{file} << text;
    CHECK_THROWS_AS(load_or_create_identity(file), bus::Error);
}

TEST_CASE("a folder that is not there is an error that names the file") {
    CHECK_THROWS_WITH_AS(load_or_create_identity("/nowhere/identity.key"),
                         doctest::Contains("identity /nowhere/identity.key: cannot be made"),
                         bus::Error);
    const TemporaryFolder folder;
    CHECK_THROWS_AS(load_or_create_identity(folder.path()), bus::Error);
}

TEST_CASE("a next key stands beside the current one, and replaces it in the end") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "identity.key";
    const Identity first = load_or_create_identity(file);
    CHECK(first.public_keys() == std::vector<std::string>{first.public_key});
    const Identity rolling = bus::with_next_key(first, std::chrono::hours{1}, 1'000);
    REQUIRE(rolling.next.has_value());
    CHECK(rolling.next->from_unix_seconds == 4'600);
    CHECK(rolling.public_keys() ==
          std::vector<std::string>{first.public_key, rolling.next->public_key});
    bus::replace_identity(file, rolling);
    CHECK(load_or_create_identity(file) == rolling);
    CHECK_FALSE(bus::is_old_key_over(rolling, 4'599));
    CHECK(bus::is_old_key_over(rolling, 4'600));

    const Identity last = bus::without_old_key(rolling);
    CHECK(last.agent == first.agent);
    CHECK(last.public_key == rolling.next->public_key);
    CHECK_FALSE(last.next.has_value());
    bus::replace_identity(file, last);
    CHECK(load_or_create_identity(file) == last);
}

TEST_CASE("a file that is replaced stays its owner's alone, and nothing is left beside it") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "identity.key";
    const Identity first = load_or_create_identity(file);
    bus::replace_identity(file, bus::with_next_key(first, std::chrono::hours{1}, 1'000));
    struct stat status {};
    REQUIRE(stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(status.st_uid == geteuid());
    const std::filesystem::directory_iterator files{folder.path()};
    CHECK(std::distance(begin(files), end(files)) == 1);
    CHECK_THROWS_AS(bus::replace_identity(folder.path() / "none" / "identity.key", first),
                    bus::Error);
    CHECK_THROWS_AS(bus::replace_identity(folder.path() / "gone.key", first), bus::Error);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "gone.key"));
}

TEST_CASE("keys roll over one at a time, for a time that has an end") {
    const Identity one = bus::make_identity();
    const auto two = bus::with_next_key(one, std::chrono::seconds{1}, 0);
    CHECK_THROWS_WITH_AS((void)bus::with_next_key(two, std::chrono::hours{1}, 0),
                         doctest::Contains("has a next key already"), bus::Error);
    CHECK_THROWS_AS((void)bus::with_next_key(one, std::chrono::seconds{0}, 0), bus::Error);
    CHECK_THROWS_AS((void)bus::with_next_key(one, std::chrono::hours{367 * 24}, 0), bus::Error);
    CHECK_THROWS_WITH_AS((void)bus::without_old_key(one), doctest::Contains("one key only"),
                         bus::Error);
    CHECK_FALSE(bus::is_old_key_over(one, ~std::uint64_t{0}));
}

TEST_CASE("a damaged next key is refused") {
    for (const std::string word : {"next-public ", "next-secret ", "next-from ", "identity 2"}) {
        CAPTURE(word);
        const TemporaryFolder folder;
        const auto file = folder.path() / "identity.key";
        bus::replace_identity(
            file, bus::with_next_key(load_or_create_identity(file), std::chrono::hours{1}, 1));
        std::string text = text_of(file);
        text.replace(text.find(word) + word.size() - 1, 1, "x");
        std::ofstream{file} << text;
        CHECK_THROWS_AS(load_or_create_identity(file), bus::Error);
    }
}
