#include <bus/error.h>
#include <doctest/doctest.h>
#include <sys/stat.h>

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
