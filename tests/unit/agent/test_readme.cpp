// The README's table of defaults and the manual say what the code does.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "byte_size.h"
#include "config.h"
#include "support/temporary_folder.h"

namespace {

std::ifstream document(const char* path) {
    const char* source = std::getenv("BUS_SOURCE");
    return std::ifstream{std::filesystem::path{source ? source : "."} / path};
}

std::ifstream readme() { return document("README.md"); }

// The second cell of the row whose first cell is `key`.
std::string default_of(const std::string& key) {
    auto in = readme();
    const std::string begin = "| `" + key + "` | ";
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(begin)) return line.substr(begin.size());
    return {};
}

// The configuration that the README shows, with a real key and user.
std::string shown_configuration() {
    auto in = readme();
    std::string text;
    for (std::string line; std::getline(in, line);) {
        const bool begins = line.starts_with("{ \"name\": \"paris\"");
        if (line == "```" && !text.empty()) break;
        if (begins || !text.empty()) text += line + '\n';
    }
    return text;
}

}  // namespace

TEST_CASE("the README's defaults are the code's") {
    const bus::test::TemporaryFolder folder;
    const auto config = bus::load_config(folder.write("agent.json", R"({"name": "paris"})"));
    CHECK(default_of("identity").starts_with('`' + config.identity.filename().string() + '`'));
    CHECK(default_of("runtime") == '`' + config.runtime.string() + "` |");
    CHECK(default_of("journal.path") == '`' + config.journal.path.string() + "` |");
    CHECK(default_of("journal.min_free")
              .starts_with('`' + bus::byte_size_text(config.journal.min_free) + '`'));
    const auto max_bytes = default_of("journal.max_bytes");
    CHECK(
        max_bytes.starts_with('`' + bus::byte_size_text(bus::limits::journal_bytes_default) + '`'));
    CHECK(max_bytes.find("at least `" + bus::byte_size_text(bus::limits::journal_bytes_min) +
                         '`') != std::string::npos);
}

TEST_CASE("the manual's defaults are the code's") {
    const bus::test::TemporaryFolder folder;
    const auto config = bus::load_config(folder.write("agent.json", R"({"name": "paris"})"));
    std::ostringstream text;
    text << document("packaging/man/bus-agent.8").rdbuf();
    const std::string manual = text.str();
    const auto says = [&](const std::string& value) {
        CAPTURE(value);
        CHECK(manual.find("by default\n" + value) != std::string::npos);
    };
    says(".Pa " + config.identity.filename().string());
    says(".Pa " + config.runtime.string());
    says(".Pa " + config.journal.path.string());
    says(".Dq " + bus::byte_size_text(bus::limits::journal_bytes_default));
    says(".Dq " + bus::byte_size_text(config.journal.min_free));
}

TEST_CASE("the configuration in the README is one that is taken") {
    std::string text = shown_configuration();
    REQUIRE(text.find("\"billing\"") != std::string::npos);
    text.replace(text.find("\"billing\""), 9, "\"root\"");
    text.replace(text.find("<Z85 public key>"), 16, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
    const bus::test::TemporaryFolder folder;
    const auto config = bus::load_config(folder.write("agent.json", text));
    CHECK(config.name == "paris");
    CHECK(config.apps.size() == 1);
    CHECK(config.peers.size() == 1);
    CHECK(config.journal.max_bytes == bus::limits::journal_bytes_default);
    CHECK(config.journal.min_free == bus::limits::journal_min_free_default);
}

TEST_CASE("the example configuration is one that is taken, with the defaults where it says so") {
    std::ostringstream text;
    text << document("packaging/agent.json").rdbuf();
    const bus::test::TemporaryFolder folder;
    const auto config = bus::load_config(folder.write("agent.json", text.str()));
    CHECK(config.name == "paris");
    CHECK(config.apps.size() == 1);
    REQUIRE(config.peers.size() == 2);
    CHECK(config.peers[0].addresses.size() == 2);
    CHECK(config.peers[1].keys.size() == 2);
    CHECK(config.journal.path == bus::JournalConfig{}.path);
    CHECK(config.journal.max_bytes == bus::limits::journal_bytes_default);
    CHECK(config.journal.min_free == bus::limits::journal_min_free_default);
}
