#include "config.h"

#include <pwd.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

#include <bus/error.h>
#include "base/z85.h"
#include "config_section.h"
#include "wire/names.h"

namespace bus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_rule =
    "is no valid name: letters, digits, _ and - in tokens joined by dots, 255 bytes at most";
constexpr std::string_view filter_rule =
    "is no valid filter: tokens of letters, digits, _ and - joined by dots; * is one token, a last "
    "** is all the rest";
constexpr std::size_t ipc_path_bytes_max = 107;
constexpr std::string_view longest_socket = "/admin.sock";

std::string read_file(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    std::ostringstream text;
    if (!in || fs::is_directory(file) || !(text << in.rdbuf()))
        throw Error{file.string() + ": cannot be read: " + std::generic_category().message(errno)};
    return std::move(text).str();
}

// A tenth of the file system that will hold the journal, within the bounds.
std::uint64_t default_journal_bytes(fs::path place) {
    std::error_code none;
    while (!fs::exists(place, none) && place.has_relative_path()) place = place.parent_path();
    struct statvfs system {};
    if (statvfs(place.c_str(), &system) != 0) return limits::journal_bytes_default;
    const std::uint64_t tenth = std::uint64_t{system.f_blocks} * system.f_frsize / 10;
    return std::clamp<std::uint64_t>(tenth, limits::journal_bytes_min,
                                     limits::journal_bytes_default);
}

// ---- Addresses and keys ------------------------------------------------------

bool is_tcp_address(std::string_view text, unsigned lowest_port = 1) {
    constexpr std::string_view scheme = "tcp://";
    const auto colon = text.rfind(':');
    if (!text.starts_with(scheme) || colon <= scheme.size()) return false;
    if (text.find_first_of(" \t\n;,/", scheme.size()) != std::string_view::npos) return false;
    const auto digits = text.substr(colon + 1);
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return error == std::errc{} && end == digits.data() + digits.size() && port >= lowest_port &&
           port < 65'536;
}

// Empty: it is a key.
std::string why_no_key(std::string_view key) {
    constexpr std::string_view advice = "; copy the last word that \"bus keygen\" printed";
    if (key.size() != curve_key_characters)
        return "a key has 40 characters, this has " + std::to_string(key.size()) +
               std::string{advice};
    for (std::size_t at = 0; at < key.size(); ++at)
        if (!z85_bytes("0000" + std::string{key[at]}))
            return "character " + std::to_string(at + 1) + " (" + in_quotes(key.substr(at, 1)) +
                   ") is in no key" + std::string{advice};
    if (!z85_bytes(key)) return "one of the characters is wrong" + std::string{advice};
    return {};
}

// ---- Sections ----------------------------------------------------------------

void read_journal(ConfigSection& section, JournalConfig& journal) {
    journal.path = section.text("path", journal.path.native());
    if (journal.path.empty()) section.complain("path", "must not be empty");
    journal.max_bytes = section.bytes("max_bytes", 0, limits::journal_bytes_min);
    journal.min_free = section.bytes("min_free", journal.min_free, 0);
    section.finish();
}

std::vector<std::string> read_filters(ConfigSection& section, std::string_view key) {
    std::vector<std::string> filters;
    section.each_text(key, [&](const std::string& filter, unsigned index) {
        if (!wire::is_filter(filter))
            section.complain(key, index, in_quotes(filter) + " " + std::string{filter_rule});
        filters.push_back(filter);
    });
    return filters;
}

std::optional<uid_t> uid_of_digits(std::string_view digits) {
    uid_t uid = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (uid == static_cast<uid_t>(-1)) return std::nullopt;  // nobody's: chown(2) takes it as none
    return uid;
}

// A name goes before digits, as with chown(1).
std::optional<uid_t> uid_of_user(const std::string& user) {
    if (const passwd* entry = getpwnam(user.c_str())) return entry->pw_uid;
    return uid_of_digits(user);
}

// The rule is for "user", a name or digits, or for "uid", a number.
void read_user(ConfigSection& section, AppConfig& app) {
    const JsonValue* user = section.find("user", JsonValue::Type::text);
    const JsonValue* uid = section.find("uid", JsonValue::Type::number);
    if ((user != nullptr) == (uid != nullptr)) {
        section.complain("", "a rule is for one \"user\" (a name) or one \"uid\" (a number)");
        return;
    }
    if (const auto found = user ? uid_of_user(user->text) : uid_of_digits(uid->text))
        app.uid = *found;
    else if (user)
        section.complain("user", "there is no user " + in_quotes(user->text) + " on this host");
    else
        section.complain("uid", uid->text + " is no uid");
}

AppConfig read_app(ConfigSection& section) {
    AppConfig app;
    app.where = section.where();
    read_user(section, app);
    app.publish = read_filters(section, "publish");
    app.subscribe = read_filters(section, "subscribe");
    app.send = read_filters(section, "send");
    app.receive = read_filters(section, "receive");
    section.finish();
    return app;
}

void check_trust(ConfigSection& section) {
    const std::string trust = section.required_text(
        "trust",
        "\"trust\": \"full\" lets this peer use every channel; there is no narrower one yet");
    if (!trust.empty() && trust != "full")
        section.complain("trust",
                         in_quotes(trust) + " is not \"full\", the only trust there is yet");
}

PeerConfig read_peer(ConfigSection& section) {
    PeerConfig peer;
    peer.where = section.where();
    peer.name = section.required_text("name", "what people call this peer");
    if (!peer.name.empty() && !wire::is_name(peer.name))
        section.complain("name", in_quotes(peer.name) + " " + std::string{name_rule});
    peer.key =
        section.required_text("key", "the peer's public key, which \"bus keygen\" printed there");
    if (!peer.key.empty())
        if (const auto why = why_no_key(peer.key); !why.empty()) section.complain("key", why);
    peer.address = section.text("address");
    if (!peer.address.empty() && !is_tcp_address(peer.address))
        section.complain("address",
                         in_quotes(peer.address) + " is not like \"tcp://host.example:7700\"");
    check_trust(section);
    section.finish();
    return peer;
}

void read_listen(ConfigSection& section, Config& config) {
    section.each_text("listen", [&](const std::string& address, unsigned index) {
        if (!is_tcp_address(address, 0))  // 0: the system chooses, and the log tells
            section.complain("listen", index,
                             in_quotes(address) + " is not like \"tcp://0.0.0.0:7700\"");
        config.listen.push_back(address);
    });
}

void read_runtime(ConfigSection& section, Config& config, const fs::path& folder) {
    config.runtime = folder / section.text("runtime", config.runtime.native());
    const std::size_t longest = config.runtime.native().size() + longest_socket.size();
    if (longest > ipc_path_bytes_max)
        section.complain("runtime", in_quotes(config.runtime.native()) +
                                        " is too long for a socket: " +
                                        std::to_string(ipc_path_bytes_max - longest_socket.size()) +
                                        " bytes at most");
}

void read_top(ConfigSection& section, Config& config, const fs::path& folder) {
    config.name = section.required_text("name", "what people call this agent");
    if (!config.name.empty() && !wire::is_name(config.name))
        section.complain("name", in_quotes(config.name) + " " + std::string{name_rule});
    config.identity = folder / section.text("identity", config.identity.native());
    read_runtime(section, config, folder);
    section.object("journal",
                   [&](ConfigSection& journal) { read_journal(journal, config.journal); });
    config.journal.path = folder / config.journal.path;
    read_listen(section, config);
    section.each_object("apps", [&](ConfigSection& app) { config.apps.push_back(read_app(app)); });
    section.each_object("peers",
                        [&](ConfigSection& peer) { config.peers.push_back(read_peer(peer)); });
    section.finish();
}

// ---- Files -------------------------------------------------------------------

void read_object(const fs::path& file, Complaints& complaints,
                 const std::function<void(ConfigSection&)>& take) {
    const std::string text = read_file(file);
    const auto document = parse_json(text);
    if (!document) {
        complaints.add(file.native(), document.error().line, "", document.error().what);
    } else if (document->type != JsonValue::Type::object) {
        complaints.add(file.native(), document->line, "", "a configuration is an object: { ... }");
    } else {
        ConfigSection section{*document, file.native(), "", complaints};
        take(section);
    }
}

std::vector<fs::path> peer_files(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator{folder / "peers.d", absent})
        if (entry.path().extension() == ".json") files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

// ---- What must hold among the parts --------------------------------------------

template <class Item, class Key>
void refuse_twice(const std::vector<Item>& items, Key key, std::string_view what,
                  Complaints& complaints) {
    std::map<std::string, const Item*> seen;
    for (const Item& item : items) {
        const auto [first, is_new] = seen.emplace(key(item), &item);
        if (!is_new && !first->first.empty())
            complaints.add(item.where, 0, "",
                           std::string{what} + " " + in_quotes(first->first) +
                               " is already used in " + first->second->where +
                               "; remove one of them");
    }
}

void check_together(const Config& config, Complaints& complaints) {
    refuse_twice(
        config.peers, [](const auto& peer) { return peer.name; }, "the peer name", complaints);
    refuse_twice(
        config.peers, [](const auto& peer) { return peer.key; }, "the peer key", complaints);
    refuse_twice(
        config.apps, [](const auto& app) { return std::to_string(app.uid); }, "a rule for the uid",
        complaints);
    if (!config.listen.empty()) return;
    for (const auto& peer : config.peers)
        if (peer.address.empty())
            complaints.add(peer.where, 0, "",
                           "the peer " + in_quotes(peer.name) +
                               " has no \"address\" and this agent has no \"listen\", so neither "
                               "could reach the other; add one of them");
}

}  // namespace

Config load_config(const fs::path& file) {
    Config config;
    Complaints complaints;
    const fs::path folder = file.parent_path();
    read_object(file, complaints, [&](ConfigSection& top) { read_top(top, config, folder); });
    for (const auto& peer_file : peer_files(folder))
        read_object(peer_file, complaints,
                    [&](ConfigSection& peer) { config.peers.push_back(read_peer(peer)); });
    if (complaints.empty()) check_together(config, complaints);
    complaints.throw_if_any();
    if (config.journal.max_bytes == 0)
        config.journal.max_bytes = default_journal_bytes(config.journal.path.parent_path());
    return config;
}

void refuse_own_key(const Config& config, std::string_view own_public_key) {
    Complaints complaints;
    for (const auto& peer : config.peers)
        if (peer.key == own_public_key)
            complaints.add(
                peer.where, 0, "",
                "the key of " + in_quotes(peer.name) +
                    " is this agent's own; put the key there that \"bus keygen\" printed on "
                    "the other host");
    complaints.throw_if_any();
}

}  // namespace bus
