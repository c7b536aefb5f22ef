// A peer comes or goes, and nothing else changes.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <bus/error.h>
#include <fstream>
#include <sstream>

#include "config.h"
#include "config_edit.h"
#include "support/temporary_folder.h"

using bus::remove_peer_entry;
using bus::without_peer;

namespace {

const std::string key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
const std::string other_key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

std::string entry(const std::string& name, const std::string& its_key) {
    return "{\"name\": \"" + name + "\", \"key\": \"" + its_key +
           "\", \"address\": \"tcp://h:1\", \"trust\": \"full\"}";
}
void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream{file} << text;
}
std::string read(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("where to listen is put first, and everything else stays") {
    const std::string listen = "\n  \"listen\": [\"tcp://[::]:1\"]";
    CHECK(bus::with_listen("// mine\n{\n  // it\n  \"name\": \"a\"\n}\n", "tcp://[::]:1") ==
          "// mine\n{" + listen + ",\n  // it\n  \"name\": \"a\"\n}\n");
    CHECK(bus::with_listen("{}", "tcp://[::]:1") == "{" + listen + "\n  }");
    CHECK_FALSE(bus::with_listen("{\"listen\": []}", "tcp://[::]:1").has_value());
    CHECK_FALSE(bus::with_listen("[]", "tcp://[::]:1").has_value());
}

TEST_CASE("what cannot be listened on leaves the file as it was") {
    const bus::test::TemporaryFolder folder;
    const auto file = folder.path() / "agent.json";
    write(file, "{\"name\": \"a\"}");
    CHECK_THROWS_AS(bus::add_listen(file, "tcp://\""), bus::Error);
    CHECK(read(file) == "{\"name\": \"a\"}");
    CHECK(bus::add_listen(file, "tcp://[::]:1") == "{\"name\": \"a\"}");
    CHECK(bus::load_config(file).listen == std::vector<std::string>{"tcp://[::]:1"});
    bus::restore(file, "{\"name\": \"a\"}");
    CHECK(bus::load_config(file).listen.empty());
}

TEST_CASE("a peer has a file of its own, which is made once") {
    const bus::test::TemporaryFolder folder;
    const auto file = folder.path() / "agent.json";
    write(file, "{\"name\": \"a\"}");
    const auto made = bus::add_peer_file(file, "b", entry("b", key));
    CHECK(made == folder.path() / "peers.d" / "b.json");
    CHECK(bus::load_config(file).peers.size() == 1);
    CHECK_THROWS_AS(static_cast<void>(bus::add_peer_file(file, "b", entry("b", other_key))),
                    bus::Error);
    CHECK(read(made) == entry("b", key));
    bus::remove_peer_file(made);
    CHECK(bus::load_config(file).peers.empty());
}

TEST_CASE("an entry goes with its comma, and comments stay") {
    const std::string begin = "{ // mine\n  \"peers\": [\n";
    const std::string a = "    // the first, in {Tokyo}\n    {\"name\": \"a\"},\n";
    const std::string b = "    /* \"b\", */ {\"name\": \"b\"} /* , */,\n";
    const std::string c = "    {\n      \"name\": \"c\"\n    }\n";
    const std::string end = "  ]\n}\n";
    const std::string all = begin + a + b + c + end;
    CHECK(without_peer(all, "a") == begin + "    // the first, in {Tokyo}\n" + b + c + end);
    CHECK(without_peer(all, "b") == begin + a + "    /* \"b\", */  /* , */\n" + c + end);
    CHECK(without_peer(all, "c") ==
          begin + a + "    /* \"b\", */ {\"name\": \"b\"} /* , */\n" + end);
    CHECK(without_peer(all, "d") == std::nullopt);
    CHECK(without_peer("{\"peers\": [{\"name\": \"a\"}]}", "a") == "{\"peers\": []}");
    CHECK(without_peer("{\"peers\": [", "a") == std::nullopt);
}

TEST_CASE("the file is replaced as a whole, with its mode") {
    bus::test::TemporaryFolder folder;
    const auto file = folder.path() / "agent.json";
    write(file, "{\"name\": \"me\", \"peers\": [\n" + entry("a", key) + ",\n" +
                    entry("b", other_key) + "\n]}\n");
    REQUIRE(::chmod(file.c_str(), 0640) == 0);
    CHECK(remove_peer_entry(file, "a").find("agent.json") != std::string::npos);
    CHECK(read(file) == "{\"name\": \"me\", \"peers\": [\n" + entry("b", other_key) + "\n]}\n");
    struct stat now {};
    REQUIRE(::stat(file.c_str(), &now) == 0);
    CHECK((now.st_mode & 07777) == 0640);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "agent.json.new"));
    const auto config = bus::load_config(file);
    REQUIRE(config.peers.size() == 1);
    CHECK(config.peers[0].name == "b");
}

TEST_CASE("a peer with a file of its own loses the file") {
    bus::test::TemporaryFolder folder;
    const auto file = folder.path() / "agent.json";
    write(file, "{\"name\": \"me\"}\n");
    std::filesystem::create_directory(folder.path() / "peers.d");
    write(folder.path() / "peers.d" / "x.json", entry("a", key));
    CHECK(remove_peer_entry(file, "a").find("x.json was removed") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "peers.d" / "x.json"));
}

TEST_CASE("what cannot be changed says what to do") {
    bus::test::TemporaryFolder folder;
    const auto file = folder.path() / "agent.json";
    write(file, "{\"name\": \"me\"}\n");
    try {
        (void)remove_peer_entry(file, "a");
        FAIL("there is no such entry");
    } catch (const bus::Error& error) {
        CHECK(std::string{error.what()}.find("Take it out of") != std::string::npos);
    }
    CHECK(read(file) == "{\"name\": \"me\"}\n");
}
