// The configuration: its defaults, and the exact words of every refusal.
#include <bus/error.h>
#include <doctest/doctest.h>
#include <grp.h>
#include <unistd.h>

#include "config.h"
#include "support/temporary_folder.h"
#include "wire/names.h"

using bus::Config;
using bus::load_config;
using bus::test::TemporaryFolder;

namespace {

using Texts = std::vector<std::string>;

constexpr std::string_view key_of_tokyo = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
constexpr std::string_view key_of_lima = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

std::string replace_all(std::string text, const std::string& what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
    return text;
}

// The folder's name is replaced by DIR in what comes back; empty: it was accepted.
std::string complaints(const TemporaryFolder& folder, std::string_view text) {
    const auto file = folder.write("agent.json", text);
    try {
        load_config(file);
    } catch (const bus::Error& error) {
        return replace_all(error.what(), folder.path().string() + "/", "");
    }
    return {};
}
std::string complaints(std::string_view text) { return complaints(TemporaryFolder{}, text); }

std::string peer(std::string_view members) {
    return complaints(R"({"name": "paris", "listen": ["tcp://0.0.0.0:7700"], "peers": [{)" +
                      std::string{members} + "}]}");
}
std::string peer_key(std::string_view key) {
    return peer(R"("name": "tokyo", "trust": "full", "key": ")" + std::string{key} + '"');
}
std::string app(std::string_view members) {
    return complaints(R"({"name": "paris", "apps": [{)" + std::string{members} + "}]}");
}

}  // namespace

TEST_CASE("a whole configuration is read, with comments") {
    const TemporaryFolder folder;
    const auto file = folder.write("agent.json", R"({
  // The agent in Paris.
  "name": "paris", "identity": "keys/identity.key", "runtime": "run",
  "journal": { "path": "journal.db", "max_bytes": "20GiB", "min_free": "1MiB" },
  "listen": ["tcp://0.0.0.0:7700", "tcp://[::1]:7701"],
  "apps": [ { "user": "root", "publish": ["orders.**"], "subscribe": ["*"], "send": ["a.b"],
              "receive": ["invoices"], "request": ["quotes.**"], "serve": ["prices"] },
            { "uid": 4711 } ],
  "peers": [ { "name": "tokyo", "key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
               "address": "tcp://tokyo.example.net:7700", "trust": "full" } ]
})");
    const Config config = load_config(file);
    CHECK(config.name == "paris");
    CHECK(config.identity == folder.path() / "keys/identity.key");
    CHECK(config.runtime == folder.path() / "run");
    CHECK(config.journal.path == folder.path() / "journal.db");
    CHECK(config.journal.max_bytes == 20ull << 30);
    CHECK(config.journal.min_free == 1 << 20);
    CHECK(config.listen == std::vector<std::string>{"tcp://0.0.0.0:7700", "tcp://[::1]:7701"});
    REQUIRE(config.apps.size() == 2);
    CHECK(config.apps[0].uid == 0);
    CHECK(config.apps[0].may.publish == std::vector<std::string>{"orders.**"});
    CHECK(config.apps[0].may.subscribe == std::vector<std::string>{"*"});
    CHECK(config.apps[0].may.send == std::vector<std::string>{"a.b"});
    CHECK(config.apps[0].may.receive == std::vector<std::string>{"invoices"});
    CHECK(config.apps[0].may.request == std::vector<std::string>{"quotes.**"});
    CHECK(config.apps[0].may.serve == std::vector<std::string>{"prices"});
    CHECK(config.apps[1].uid == 4711);
    CHECK(config.apps[1].may.publish.empty());
    REQUIRE(config.peers.size() == 1);
    CHECK(config.peers[0].name == "tokyo");
    CHECK(config.peers[0].keys == Texts{std::string{key_of_tokyo}});
    CHECK(config.peers[0].addresses == Texts{"tcp://tokyo.example.net:7700"});
    CHECK_FALSE(config.peers[0].may.has_value());
    CHECK(config.peers[0].relays);
    CHECK(config.peers[0].status);
    CHECK(config.peers[0].cost == 1);
    CHECK(config.peers[0].rate_bytes_per_second == 0);
    CHECK(config.peers[0].where == file.string() + ":9");
}

TEST_CASE("only a name is needed; the rest has defaults") {
    const TemporaryFolder folder;
    const Config config = load_config(folder.write("agent.json", R"({"name": "paris"})"));
    CHECK(config.identity == folder.path() / "identity.key");
    CHECK(config.runtime == "/run/bus-agent");
    CHECK(config.journal.path == "/var/lib/bus-agent/journal.db");
    CHECK(config.journal.max_bytes >= bus::limits::journal_bytes_min);
    CHECK(config.journal.max_bytes <= bus::limits::journal_bytes_default);
    CHECK(config.journal.min_free == 512ull << 20);
    CHECK(config.listen.empty());
    CHECK_FALSE(config.relay);
    CHECK(config.apps.empty());
    CHECK(config.peers.empty());
}

TEST_CASE("every file of peers.d holds one peer, in the order of their names") {
    const TemporaryFolder folder;
    folder.write("peers.d/20-lima.json",
                 R"({"name": "lima", "address": "tcp://lima:1", "trust": "full",
        "key": "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"})");
    folder.write("peers.d/10-tokyo.json",
                 R"({"name": "tokyo", "address": "tcp://tokyo:1", "trust": "full",
        "key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"})");
    folder.write("peers.d/notes.txt", "not a peer");
    const Config config = load_config(folder.write("agent.json", R"({"name": "paris"})"));
    REQUIRE(config.peers.size() == 2);
    CHECK(config.peers[0].name == "tokyo");
    CHECK(config.peers[1].name == "lima");
    CHECK(config.peers[1].keys == Texts{std::string{key_of_lima}});
}

TEST_CASE("an unknown key is named with its line and what was probably meant") {
    CHECK(complaints("{\n\"name\": \"paris\",\n\"jounal\": {}\n}") ==
          "agent.json:3: unknown key \"jounal\"; did you mean \"journal\"?");
    CHECK(complaints("{\"name\": \"paris\",\n\"journal\": {\n\"maxbytes\": \"1GiB\"}}") ==
          "agent.json:3: journal: unknown key \"maxbytes\"; did you mean \"max_bytes\"?");
    CHECK(complaints("{\"name\": \"paris\", \"colour\": 1}") ==
          "agent.json:1: unknown key \"colour\"");
    CHECK(peer(R"("name": "tokyo", "trust": "full", "kee": "")") ==
          "agent.json:1: peers[0]: \"key\" is missing: the peer's public key, which \"bus keygen\" "
          "printed there (\"keys\": a list of several, while they roll over)\n"
          "agent.json:1: peers[0]: unknown key \"kee\"; did you mean \"key\"?");
    CHECK(complaints("{\"name\": \"paris\", \"relais\": true}") ==
          "agent.json:1: unknown key \"relais\"; did you mean \"relay\"?");
}

TEST_CASE("a duplicate key is refused, with the first one's line") {
    CHECK(complaints("{\"name\": \"paris\",\n\"listen\": [],\n\"name\": \"rome\"}") ==
          "agent.json:3: duplicate key \"name\"; the first is in line 1");
}

TEST_CASE("a wrong type says what stands there and what should") {
    CHECK(complaints("{\"name\": 7}") == "agent.json:1: name: 7 is not a text");
    CHECK(complaints("{\"name\": \"p\", \"listen\": \"tcp://0.0.0.0:1\"}") ==
          "agent.json:1: listen: \"tcp://0.0.0.0:1\" is not a list");
    CHECK(complaints("{\"name\": \"p\",\n\"listen\": [\n1]}") ==
          "agent.json:3: listen[0]: 1 is not a text");
    CHECK(complaints("{\"name\": \"p\", \"journal\": true}") ==
          "agent.json:1: journal: true is not an object");
    CHECK(complaints("{\"name\": \"p\", \"peers\": [[]]}") ==
          "agent.json:1: peers[0]: a list is not an object");
    CHECK(complaints("[]") == "agent.json:1: a configuration is an object: { ... }");
}

TEST_CASE("without a name it is the host's, and a bad one is told the rule") {
    char host[256] = {};
    REQUIRE(gethostname(host, sizeof host - 1) == 0);
    const std::string name = std::string{host}.substr(0, std::string_view{host}.find('.'));
    const bus::test::TemporaryFolder folder;
    if (bus::wire::is_name(name))
        CHECK(load_config(folder.write("agent.json", "{}")).name == name);
    else
        CHECK(complaints("{}") == "agent.json:1: \"name\" is missing: what people call this agent");
    CHECK(complaints("{\"name\": \"two words\"}") ==
          "agent.json:1: name: \"two words\" is no valid name: letters, digits, _ and - in tokens "
          "joined "
          "by dots, 255 bytes at most");
}

TEST_CASE("the group of operators is looked up by its name") {
    const TemporaryFolder folder;
    CHECK_FALSE(load_config(folder.write("agent.json", R"({"name": "p"})")).admin_group);
    const group* own = getgrgid(getegid());
    REQUIRE(own != nullptr);
    const std::string name = own->gr_name;
    CHECK(
        load_config(folder.write("agent.json", R"({"name": "p", "admin_group": ")" + name + "\"}"))
            .admin_group == getegid());
    CHECK(complaints(R"({"name": "p", "admin_group": "no such group"})") ==
          "agent.json:1: admin_group: there is no group \"no such group\" on this host");
}

TEST_CASE("an amount below its minimum is told the minimum") {
    const auto journal = [](std::string_view members) {
        return complaints("{\"name\": \"p\",\n\"journal\": {" + std::string{members} + "}}");
    };
    CHECK(journal("\"max_bytes\": \"12KB\"") ==
          "agent.json:2: journal.max_bytes: \"12KB\" is below the minimum, 64MiB");
    CHECK(journal("\"max_bytes\": 1000") ==
          "agent.json:2: journal.max_bytes: 1000 is below the minimum, 64MiB");
    CHECK(journal("\"max_bytes\": \"much\"") ==
          "agent.json:2: journal.max_bytes: \"much\" is no amount of bytes; write it like "
          "\"512MiB\"");
    CHECK(journal("\"min_free\": -1") ==
          "agent.json:2: journal.min_free: -1 is no amount of bytes; write it like \"512MiB\"");
    CHECK(journal("\"min_free\": 0") == "");
    CHECK(journal("\"path\": \"\"") == "agent.json:2: journal.path: must not be empty");
}

TEST_CASE("all mistakes are named at once") {
    CHECK(complaints("{\n\"name\": 1,\n\"nane\": 2,\n\"listen\": [\"udp://x:1\"]\n}") ==
          "agent.json:2: name: 1 is not a text\n"
          "agent.json:4: listen[0]: \"udp://x:1\" is not like \"tcp://0.0.0.0:7700\"\n"
          "agent.json:3: unknown key \"nane\"; did you mean \"name\"?");
}

TEST_CASE("an address is tcp, a host and a port") {
    const auto refused = [](std::string_view address) {
        return !complaints(R"({"name": "p", "listen": [")" + std::string{address} + "\"]}").empty();
    };
    CHECK_FALSE(refused("tcp://127.0.0.1:7700"));
    CHECK_FALSE(refused("tcp://[::]:65535"));
    CHECK_FALSE(refused("tcp://*:7700"));
    for (const char* bad :
         {"tcp://:7700", "tcp://host", "tcp://host:", "tcp://host:65536", "tcp://host:77x",
          "tcp://ho st:1", "ipc:///x", "host:1", "", "tcp://a/b:1"}) {
        CAPTURE(bad);
        CHECK(refused(bad));
    }
}

TEST_CASE("port 0 lets the system choose where to listen, but nobody can dial it") {
    CHECK(complaints(R"({"name": "p", "listen": ["tcp://127.0.0.1:0"]})") == "");
    CHECK(
        peer(R"("name": "tokyo", "trust": "full", "address": "tcp://host:0", "key": ")" +
             std::string{key_of_tokyo} + '"') ==
        "agent.json:1: peers[0].address: \"tcp://host:0\" is not like \"tcp://host.example:7700\"");
}

TEST_CASE("a key with a typing error is told what to do") {
    const std::string advice = "; copy the last word that \"bus keygen\" printed";
    std::string key{key_of_tokyo};
    CHECK(peer_key(key) == "");
    CHECK(peer_key(key.substr(1)) ==
          "agent.json:1: peers[0].key: a key has 40 characters, this has 39" + advice);
    key[4] = ' ';
    CHECK(peer_key(key) == "agent.json:1: peers[0].key: character 5 (\" \") is in no key" + advice);
    key.replace(0, 5, "#####");
    CHECK(peer_key(key) == "agent.json:1: peers[0].key: one of the characters is wrong" + advice);
}

TEST_CASE("a peer may have several keys and addresses, the first ones first") {
    const TemporaryFolder folder;
    const Config config = load_config(folder.write(
        "agent.json", R"({"name": "p", "relay": true, "peers": [{"name": "tokyo", "trust": "full",
"keys": ["rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"],
"addresses": ["tcp://tokyo:1", "tcp://[2001:db8::1]:1"],
"relays": false, "cost": 1000, "rate": "8KiB/s"}]})"));
    CHECK(config.relay);
    REQUIRE(config.peers.size() == 1);
    const auto& peer = config.peers[0];
    CHECK(peer.keys == Texts{std::string{key_of_tokyo}, std::string{key_of_lima}});
    CHECK(peer.addresses == Texts{"tcp://tokyo:1", "tcp://[2001:db8::1]:1"});
    CHECK_FALSE(peer.relays);
    CHECK(peer.cost == 1000);
    CHECK(peer.rate_bytes_per_second == 8 << 10);
}

TEST_CASE("one key or a list of 1 to 4, never both, never one twice") {
    const std::string rest = R"("name": "tokyo", "trust": "full", )";
    const std::string tokyo = '"' + std::string{key_of_tokyo} + '"';
    CHECK(peer(rest + "\"keys\": [" + tokyo + "]") == "");
    CHECK(
        peer(rest + "\"keys\": []") ==
        "agent.json:1: peers[0].keys: a peer has 1 to 4 keys, the current one and the next; these "
        "are 0");
    CHECK(peer(rest + "\"keys\": [" + tokyo + ", " + tokyo + "]") ==
          "agent.json:1: peers[0].keys[1]: " + tokyo + " stands there twice");
    CHECK(peer(rest + "\"key\": " + tokyo + ", \"keys\": [\"" + std::string{key_of_lima} + "\"]") ==
          "agent.json:1: peers[0].keys: there is \"key\" as well; put all into \"keys\"");
    CHECK(peer(rest + "\"keys\": [" + tokyo + ", \"abc\"]") ==
          "agent.json:1: peers[0].keys[1]: a key has 40 characters, this has 3; copy the last word "
          "that \"bus keygen\" printed");
}

TEST_CASE("one address or a list, never both") {
    const std::string rest =
        R"("name": "tokyo", "trust": "full", "key": ")" + std::string{key_of_tokyo} + "\", ";
    CHECK(peer(rest + R"("addresses": [])") == "");
    CHECK(peer(rest + R"("addresses": ["tcp://a:1", "tcp://a:"])") ==
          "agent.json:1: peers[0].addresses[1]: \"tcp://a:\" is not like "
          "\"tcp://host.example:7700\"");
    CHECK(peer(rest + R"("address": "tcp://a:1", "addresses": ["tcp://b:1"])") ==
          "agent.json:1: peers[0].addresses: there is \"address\" as well; put all into "
          "\"addresses\"");
}

TEST_CASE("trust is full or told in lists, and never taken for granted") {
    const std::string rest = R"("name": "tokyo", "key": ")" + std::string{key_of_tokyo} + '"';
    const std::string lists = R"("publish", "subscribe", "send", "receive", "request", "serve")";
    CHECK(peer(rest) ==
          "agent.json:1: peers[0]: what may this peer do here? Say \"trust\": \"full\" (every "
          "channel), or list the filters of what it may do: " +
              lists + " (what no list covers is forbidden)");
    CHECK(peer(rest + R"(, "trust": "some")") ==
          "agent.json:1: peers[0].trust: \"some\" is not \"full\"; for less, leave it out and list "
          "what the peer may do: " +
              lists);
    CHECK(peer(rest + R"(, "trust": "full", "send": [])") ==
          "agent.json:1: peers[0].trust: full trust and lists of what the peer may do exclude each "
          "other; remove \"trust\", or the lists");
    CHECK(peer(rest + R"(, "trust": ["orders.**"])") ==
          "agent.json:1: peers[0].trust: a list is not a text");
    CHECK(peer(rest + R"(, "serve": ["a.>"])")
              .find("peers[0].serve[0]: \"a.>\" is no valid filter") != std::string::npos);
}

TEST_CASE("a peer with lists may do what they cover, and does not relay unless told") {
    const TemporaryFolder folder;
    const auto read = [&](const std::string& more) {
        const Config config = load_config(
            folder.write("agent.json",
                         R"({"name": "p", "listen": ["tcp://0.0.0.0:1"], "peers": [{"name": "tokyo",
"key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "publish": ["plant7.**"], "request": []
)" + more + "}]}"));
        return config.peers.at(0);
    };
    const auto narrow = read("");
    REQUIRE(narrow.may.has_value());
    CHECK(narrow.may->publish == Texts{"plant7.**"});
    CHECK(narrow.may->send.empty());
    CHECK_FALSE(narrow.relays);
    CHECK_FALSE(narrow.status);
    CHECK(read(R"(, "status": true)").status);
    CHECK(read(R"(, "relays": true)").relays);
}

TEST_CASE("cost and rate have bounds, and a rate its form") {
    const std::string rest =
        R"("name": "tokyo", "trust": "full", "key": ")" + std::string{key_of_tokyo} + "\", ";
    CHECK(peer(rest + R"("cost": 0)") ==
          "agent.json:1: peers[0].cost: 0 is no whole number from 1 to 1000");
    CHECK(peer(rest + R"("cost": 1.5)") ==
          "agent.json:1: peers[0].cost: 1.5 is no whole number from 1 to 1000");
    CHECK(peer(rest + R"("rate": "2MiB")") ==
          "agent.json:1: peers[0].rate: \"2MiB\" is no rate; write it like \"2MiB/s\"");
    CHECK(peer(rest + R"("rate": "8000B/s")") ==
          "agent.json:1: peers[0].rate: \"8000B/s\" is below the minimum, 8KiB/s");
    CHECK(peer(rest + R"("rate": 100000)") == "agent.json:1: peers[0].rate: 100000 is not a text");
}

TEST_CASE("what waits for a peer may have limits, in bytes and in time") {
    const std::string rest =
        R"("name": "tokyo", "trust": "full", "key": ")" + std::string{key_of_tokyo} + "\", ";
    CHECK(peer(rest + R"("limits": {"waiting": "2GiB", "age": "7d"})") == "");
    CHECK(peer(rest + R"("limits": {})") == "");
    CHECK(peer(rest + R"("limits": {"waiting": "2KiB"})") ==
          "agent.json:1: peers[0].limits.waiting: \"2KiB\" is below the minimum, 1MiB");
    CHECK(peer(rest + R"("limits": {"age": "30s"})") ==
          "agent.json:1: peers[0].limits.age: \"30s\" is below the minimum, 60s");
    for (const std::string bad : {"7", "d", "7w", "1.5h", "-1h", "7 d", "99999999999d"})
        CHECK(peer(rest + R"("limits": {"age": ")" + bad + "\"}") ==
              "agent.json:1: peers[0].limits.age: \"" + bad +
                  "\" is no time; write it like \"7d\", \"12h\", \"30m\" or \"90s\"");
    const TemporaryFolder folder;
    const Config config = load_config(folder.write(
        "agent.json", R"({"name": "p", "listen": ["tcp://0.0.0.0:7700"], "peers": [{)" + rest +
                          R"("limits": {"waiting": "2GiB", "age": "12h"}}]})"));
    CHECK(config.peers[0].waiting ==
          bus::core::Bound{.bytes = 2ull << 30, .age = std::chrono::hours{12}});
}

TEST_CASE("what waits on channels may have limits, by filter") {
    const auto channels = [](const std::string& inside) {
        return complaints(R"({"name": "p", "channels": {)" + inside + "}}");
    };
    CHECK(channels("") == "");
    CHECK(channels(R"("sensors.**": {"limits": {"waiting": "1GiB", "age": "1d"}},
                      "jobs": {"kind": "queue", "limits": {"age": "1h"}})") == "");
    CHECK(
        channels(R"("a..b": {"limits": {}})") ==
        "agent.json:1: channels.a..b: \"a..b\" is no valid filter: there is no token at character "
        "3 (tokens of letters, digits, _ and - joined by dots; * is one token, a last ** is all "
        "the rest)");
    CHECK(channels(R"("a": {"kind": "service", "limits": {}})") ==
          "agent.json:1: channels.a.kind: \"service\" is neither \"topic\" nor \"queue\"; without "
          "it both are meant");
    CHECK(
        channels(R"("a": {})") ==
        "agent.json:1: channels.a: nothing is said of these channels: \"limits\", as { "
        "\"waiting\": \"1GiB\", \"messages\": 100000, \"rate\": 500, \"age\": \"1d\" }, "
        "\"max_deliveries\", \"bury_expired\", "
        "\"dead_letter_to\", \"return_after\", \"lapse\", \"max_message\", \"retain\", \"home\" or "
        "\"exclusive\"");
    CHECK(channels(R"("a": {"retain": "last"})") == "");
    CHECK(channels(R"("a": {"retain": "none"})") == "");
    CHECK(channels(R"("a": {"retain": "all"})") ==
          "agent.json:1: channels.a.retain: \"all\" is neither \"last\", of each channel its last "
          "message, nor \"none\"");
    CHECK(channels(R"("a": {"kind": "queue", "retain": "last"})") ==
          "agent.json:1: channels.a.retain: a queue keeps its messages for its consumers: only "
          "topics have late joiners");
    CHECK(channels(R"("a": {"max_message": "1GiB"})") == "");
    CHECK(channels(R"("a": {"max_message": "2GiB"})") ==
          "agent.json:1: channels.a.max_message: a message may have 1GiB at most");
    CHECK(channels(R"("a": {"max_message": "1KiB"})") ==
          "agent.json:1: channels.a.max_message: \"1KiB\" is below the minimum, 64KiB");
    CHECK(channels(R"("a": {"kind": "queue", "dead_letter_to": "a.dead"})") == "");
    CHECK(channels(R"("a": {"dead_letter_to": "a.*"})") ==
          "agent.json:1: channels.a.dead_letter_to: \"a.*\" is no queue: tokens of A-Z a-z 0-9 _ - "
          "joined by dots");
    CHECK(channels(R"("a": {"limits": {"waiting": "1KiB"}})") ==
          "agent.json:1: channels.a.limits.waiting: \"1KiB\" is below the minimum, 1MiB");
    CHECK(channels(R"("a": {"limits": {"age": "1h"}}, "a": {"limits": {"age": "2h"}})") ==
          "agent.json:1: channels: duplicate key \"a\"; the first is in line 1");
    CHECK(channels(R"("a": "1GiB")") == "agent.json:1: channels.a: \"1GiB\" is not an object");
    CHECK(channels(R"("a": {"limits": {}, "hom": "hub"})").find("unknown key \"hom\"") !=
          std::string::npos);
    CHECK(channels(R"("a": {"kind": "queue", "home": "hub", "exclusive": true})") == "");
    CHECK(channels(R"("a": {"home": "hub"})") ==
          "agent.json:1: channels.a.home: only queues have that: say \"kind\": \"queue\"");
    CHECK(channels(R"("a": {"kind": "queue", "home": "the hub"})") ==
          "agent.json:1: channels.a.home: \"the hub\" is no agent: its name, or its id; \"\" lets "
          "the queue float again");
    CHECK(channels(R"("a": {"kind": "queue", "exclusive": true})") ==
          "agent.json:1: channels.a.exclusive: where a queue floats each host has its own "
          "consumers: say with \"home\" who keeps it");
    std::string many;
    for (std::size_t n = 0; n <= bus::limits::channel_bounds_max; ++n)
        many += (n == 0 ? "\"c" : ", \"c") + std::to_string(n) + R"(": {"limits": {"age": "1h"}})";
    CHECK(channels(many) ==
          "agent.json:1: channels: 101 are too many with \"limits\": 100 at most; a filter "
          "covers many channels");

    const TemporaryFolder folder;
    const Config config = load_config(folder.write("agent.json", R"({"name": "p", "channels": {
        "sensors.**": {"limits": {"waiting": "1GiB"}, "retain": "last"},
        "jobs": {"kind": "queue", "limits": {"age": "1h"}, "max_deliveries": 3,
                 "bury_expired": true, "return_after": "90s", "max_message": "100MiB",
                 "home": "hub", "exclusive": true}}})"));
    REQUIRE(config.channels.size() == 2);
    bus::core::ChannelSettings sensors{{std::nullopt, "sensors.**"}, {{.bytes = 1ull << 30}}};
    sensors.retain_last = true;
    CHECK(config.channels[0] == sensors);
    bus::core::ChannelSettings jobs{
        {bus::wire::Kind::queue, "jobs"}, {{.age = std::chrono::hours{1}}}, 3, true};
    jobs.return_after = std::chrono::seconds{90};
    jobs.max_message = 100ull << 20;
    jobs.home = "hub";
    jobs.exclusive = true;
    CHECK(config.channels[1] == jobs);
}

TEST_CASE("publishers have limits, on channels and by user, and meet them as is said") {
    const TemporaryFolder folder;
    const Config config = load_config(folder.write("agent.json", R"({"name": "p", "channels": {
        "a": {"limits": {"messages": 5, "rate": 7, "at_limit": "refuse"}}},
        "apps": [{"uid": 1, "limits": {"waiting": "2GiB", "messages": 9, "rate": 3,
                                       "subscriptions": 4, "at_limit": "hold"}},
                 {"uid": 2, "publish": ["a"], "limits": {"rate": 1}}]})"));
    bus::core::PublisherBound channel;
    channel.messages = 5;
    channel.rate = 7;
    channel.at_limit = bus::core::AtLimit::refuse;
    CHECK(config.channels[0].waiting == channel);
    bus::core::AppBound app{.waiting = {{.bytes = 2ull << 30}}, .subscriptions = 4};
    app.waiting.messages = 9;
    app.waiting.rate = 3;
    CHECK(config.apps[0].limits == app);
    CHECK(config.apps[0].may.publish == std::vector<std::string>{"**"});
    CHECK(config.apps[0].may.serve == std::vector<std::string>{"**"});
    CHECK(config.apps[1].limits.waiting.rate == 1);
    CHECK(config.apps[1].may.send.empty());

    const auto limits = [](const std::string& inside) {
        return complaints(R"({"name": "p", "apps": [{"uid": 1, "limits": {)" + inside + "}}]}");
    };
    CHECK(limits("") == "");
    CHECK(limits(R"("rate": 0)") ==
          "agent.json:1: apps[0].limits.rate: 0 is no whole number from 1 to 1000000000");
    CHECK(
        limits(R"("rate": 5, "at_limit": "drop")") ==
        "agent.json:1: apps[0].limits.at_limit: \"drop\" is neither \"hold\", so that publishers "
        "wait, nor \"refuse\". (A durable subscription that shall lose the oldest has \"lapse\".)");
    CHECK(limits(R"("at_limit": "refuse")") ==
          "agent.json:1: apps[0].limits.at_limit: there is no limit: \"waiting\", \"messages\" or "
          "\"rate\"");
    CHECK(limits(R"("age": "1h")").find("unknown key \"age\"") != std::string::npos);
    std::string many;
    for (std::size_t n = 0; n <= bus::limits::app_bounds_max; ++n)
        many += (n == 0 ? R"({"uid": )" : R"(, {"uid": )") + std::to_string(n) +
                R"(, "limits": {"rate": 1}})";
    CHECK(complaints(R"({"name": "p", "apps": [)" + many + "]}") ==
          "agent.json:1: apps: 101 are too many with \"limits\": 100 at most");
}

TEST_CASE("a key of one peer is no other's, not even as its next one") {
    CHECK(complaints(R"({"name": "p", "listen": ["tcp://0.0.0.0:1"], "peers": [
{"name": "tokyo", "trust": "full", "key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"},
{"name": "lima", "trust": "full", "keys": ["Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
                                           "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"]}]})") ==
          "agent.json:3: the peer key \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\" is already used "
          "in agent.json:2; remove one of them");
}

TEST_CASE("a reload that would leave an agent without any peer is refused") {
    Config with, without;
    with.peers.push_back({.name = "tokyo"});
    CHECK_NOTHROW(bus::refuse_to_cut_off(with, with));
    CHECK_NOTHROW(bus::refuse_to_cut_off(without, without));
    CHECK_NOTHROW(bus::refuse_to_cut_off(without, with));
    CHECK_THROWS_WITH_AS(
        bus::refuse_to_cut_off(with, without),
        doctest::Contains("cut this agent off from its only one; if that is meant, restart"),
        bus::Error);
}

TEST_CASE("two peers with one name or one key are refused, across files") {
    const TemporaryFolder folder;
    folder.write(
        "peers.d/tokyo.json",
        "\n{\"name\": \"osaka\", \"address\": \"tcp://t:1\", \"trust\": \"full\", \"key\": \"" +
            std::string{key_of_tokyo} + "\"}");
    CHECK(complaints(folder, R"({"name": "p",
"peers": [ {"name": "osaka", "address": "tcp://t:1", "trust": "full",
            "key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"} ] })") ==
          "peers.d/tokyo.json:2: the peer name \"osaka\" is already used in agent.json:2; remove "
          "one of "
          "them\n"
          "peers.d/tokyo.json:2: the peer key \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\" is "
          "already "
          "used in agent.json:2; remove one of them");
}

TEST_CASE("a mistake in peers.d is reported under its own file") {
    const TemporaryFolder folder;
    folder.write("peers.d/tokyo.json", "{\n\"name\": \"tokyo\" \"key\": 1}");
    CHECK(complaints(folder, "{\"name\": \"p\"}") ==
          "peers.d/tokyo.json:2: syntax error while parsing object - unexpected string literal; "
          "expected '}'");
}

TEST_CASE("a peer that nobody can reach is refused") {
    CHECK(
        complaints(R"({"name": "p", "peers": [{"name": "tokyo", "trust": "full",
        "key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"}]})") ==
        "agent.json:1: the peer \"tokyo\" has no \"address\" and this agent has no \"listen\", so "
        "neither could reach the other; add one of them");
}

TEST_CASE("this agent's own key among the peers is refused") {
    const TemporaryFolder folder;
    const Config config = load_config(folder.write("agent.json", R"({"name": "p", "peers": [
{"name": "tokyo", "address": "tcp://t:1", "trust": "full",
 "key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"}]})"));
    const Texts lima{std::string{key_of_lima}};
    const Texts both{std::string{key_of_lima}, std::string{key_of_tokyo}};
    CHECK_NOTHROW(bus::refuse_own_keys(config, lima));
    CHECK_THROWS_WITH_AS(
        bus::refuse_own_keys(config, both),
        doctest::Contains("agent.json:2: the key of \"tokyo\" is this agent's own"), bus::Error);
}

TEST_CASE("a rule is for one user that exists, with filters") {
    CHECK(app(R"("user": "root", "publish": ["a.**"])") == "");
    CHECK(app(R"("user": "nobody-of-this-name")") ==
          "agent.json:1: apps[0].user: there is no user \"nobody-of-this-name\" on this host");
    CHECK(app(R"("publish": ["a"])") ==
          "agent.json:1: apps[0]: a rule is for one \"user\" (a name) or one \"uid\" (a number)");
    CHECK(app(R"("user": "root", "uid": 0)") ==
          "agent.json:1: apps[0]: a rule is for one \"user\" (a name) or one \"uid\" (a number)");
    CHECK(app(R"("uid": -1)") == "agent.json:1: apps[0].uid: -1 is no uid");
    CHECK(app(R"("uid": 4294967295)") == "agent.json:1: apps[0].uid: 4294967295 is no uid");
    CHECK(
        app(R"("uid": 1, "receive": ["a", "b.>"])") ==
        "agent.json:1: apps[0].receive[1]: \"b.>\" is no valid filter: for all that is "
        "left write ** in place of > at character 3 (tokens of letters, digits, _ and - joined by "
        "dots; * is one token, a last ** is all the rest)");
}

TEST_CASE("a user without a name on this host, as of a container, is named by digits") {
    const TemporaryFolder folder;
    const Config config = load_config(
        folder.write("agent.json", R"({"name": "p", "apps": [{"user": "4711"}, {"uid": 4712}]})"));
    REQUIRE(config.apps.size() == 2);
    CHECK(config.apps[0].uid == 4711);
    CHECK(config.apps[1].uid == 4712);
    for (const std::string no_user : {"4294967295", "-1", "0x10", "10 ", ""})
        CHECK(app("\"user\": \"" + no_user + "\"") ==
              "agent.json:1: apps[0].user: there is no user \"" + no_user + "\" on this host");
}

TEST_CASE("two rules for one uid are refused, also under two names") {
    CHECK(complaints("{\"name\": \"p\",\n\"apps\": [{\"user\": \"root\"},\n{\"uid\": 0}]}") ==
          "agent.json:3: a rule for the uid \"0\" is already used in agent.json:2; remove one of "
          "them");
    CHECK(complaints("{\"name\": \"p\",\n\"apps\": [{\"user\": \"0\"},\n{\"uid\": 0}]}") != "");
}

TEST_CASE("a runtime folder too long for a socket is refused while there is somebody to read it") {
    const std::string longest(96, 'r');
    CHECK(complaints("{\"name\": \"p\", \"runtime\": \"/" + longest.substr(1) + "\"}") == "");
    CHECK(complaints("{\"name\": \"p\", \"runtime\": \"/" + longest + "\"}")
              .find("is too long for a socket: 96 bytes at most") != std::string::npos);
}

TEST_CASE("a file that is not there is an error that names it") {
    CHECK_THROWS_WITH_AS(load_config("/nowhere/agent.json"),
                         "/nowhere/agent.json: cannot be read: No such file or directory",
                         bus::Error);
    CHECK_THROWS_AS(load_config("/tmp"), bus::Error);
}

TEST_CASE("durable subscriptions may be declared, by name") {
    const auto subscriptions = [](const std::string& inside) {
        return complaints(R"({"name": "p", "subscriptions": {)" + inside + "}}");
    };
    CHECK(subscriptions("") == "");
    CHECK(subscriptions(R"("billing": {"filter": "orders.**"}, "b": {"filter": "*"})") == "");
    CHECK(subscriptions(R"("billing": {})").find("agent.json:1: subscriptions.billing") == 0);
    CHECK(subscriptions(R"("a..b": {"filter": "a"})").find("is no name of a subscription") !=
          std::string::npos);
    CHECK(subscriptions(R"("a": {"filter": "orders.>"})")
              .find("subscriptions.a.filter: \"orders.>\" is no valid filter") !=
          std::string::npos);
    CHECK(subscriptions(R"("a": {"filter": "a"}, "a": {"filter": "b"})")
              .find("duplicate key \"a\"") != std::string::npos);
    CHECK(subscriptions(R"("a": {"filter": "a", "paused": true})").find("unknown key") !=
          std::string::npos);
}

TEST_CASE("what a durable subscription may collect is said by channel, or of itself") {
    const auto found = [](const std::string& inside) {
        return complaints(R"({"name": "p", )" + inside + "}");
    };
    CHECK(found(R"("channels": {"a.**": {"lapse": {"waiting": "1GiB", "age": "1d"}}})") == "");
    CHECK(found(R"("subscriptions": {"a": {"filter": "a", "lapse": {"age": "1d"}}})") == "");
    CHECK(found(R"("channels": {"a": {"kind": "queue", "lapse": {"age": "1d"}}})") ==
          "agent.json:1: channels.a.lapse: a queue holds its senders back: nothing of it lapses");
    CHECK(found(R"("subscriptions": {"a": {"filter": "a", "lapse": {"waiting": "1KiB"}}})") ==
          "agent.json:1: subscriptions.a.lapse.waiting: \"1KiB\" is below the minimum, 1MiB");
    CHECK(found(R"("channels": {"a": {"lapse": {"after": "1d"}}})").find("unknown key \"after\"") !=
          std::string::npos);
}
