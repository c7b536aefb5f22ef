// What --check finds without making anything.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "check.h"
#include "identity.h"
#include "support/temporary_folder.h"

using bus::check;
using bus::test::TemporaryFolder;

TEST_CASE("a configuration without mistakes is summed up, and nothing is made") {
    const TemporaryFolder folder;
    const auto file = folder.write("agent.json", R"({"name": "paris", "relay": true,
"listen": ["tcp://0.0.0.0:1"], "journal": {"path": "j.db", "max_bytes": "64MiB"}, "peers": [
{"name": "tokyo", "key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "trust": "full"}]})");
    const auto checked = check(file);
    CHECK(checked.mistakes.empty());
    const std::string in = folder.path().string();
    CHECK(checked.summary ==
          std::vector<std::string>{
              "ok: agent paris, relays, listens on tcp://0.0.0.0:1",
              "peers: 1, of which 0 are dialled; 0 rules for apps",
              "journal: " + in + "/j.db, at most 64MiB",
              "identity: " + in + "/identity.key, not there yet; the first start makes it"});
    const std::filesystem::directory_iterator files{folder.path()};
    CHECK(std::distance(begin(files), end(files)) == 1);
}

TEST_CASE("every mistake is one line, also those of the identity") {
    const TemporaryFolder folder;
    const auto file =
        folder.write("agent.json", "{\"nam\": \"paris\",\n\"relay\": 1, \"name\": 7}");
    CHECK(check(file).mistakes.size() == 3);
    CHECK(check(file).summary.empty());
    folder.write("agent.json", "{\"name\": \"paris\"}");
    bus::load_or_create_identity(folder.path() / "identity.key");
    CHECK(check(file).mistakes.empty());
    REQUIRE(chmod((folder.path() / "identity.key").c_str(), 0644) == 0);
    REQUIRE(check(file).mistakes.size() == 1);
    CHECK(check(file).mistakes[0].find("chmod 600") != std::string::npos);
}

TEST_CASE("one's own key among the peers is found") {
    const TemporaryFolder folder;
    const auto own = bus::load_or_create_identity(folder.path() / "identity.key");
    const auto file = folder.write("agent.json", R"({"name": "paris", "peers": [{"name": "tokyo",
"address": "tcp://t:1", "trust": "full", "key": ")" + own.public_key +
                                                     "\"}]}");
    REQUIRE(check(file).mistakes.size() == 1);
    CHECK(check(file).mistakes[0].find("is this agent's own") != std::string::npos);
}
