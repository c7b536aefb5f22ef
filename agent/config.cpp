#include "config.h"

#include <grp.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>

#include <bus/error.h>
#include "config_app.h"
#include "config_channel.h"
#include "config_peer.h"
#include "config_section.h"
#include "config_subscription.h"
#include "config_values.h"
#include "wire/names.h"

namespace bus {
namespace {

namespace fs = std::filesystem;

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

// ---- Sections ----------------------------------------------------------------

void read_journal(ConfigSection& section, JournalConfig& journal) {
    journal.path = section.text("path", journal.path.native());
    if (journal.path.empty()) section.complain("path", "must not be empty");
    journal.max_bytes = section.bytes("max_bytes", 0, limits::journal_bytes_min);
    journal.min_free = section.bytes("min_free", journal.min_free, 0);
    section.finish();
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

std::string name_of_host() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return {};
    const std::string whole = name.data();
    return whole.substr(0, whole.find('.'));
}

std::string read_own_name(ConfigSection& section) {
    const std::string host = section.has("name") ? std::string{} : name_of_host();
    return wire::is_name(host) ? host : read_name(section, "what people call this agent");
}

void read_admin_group(ConfigSection& section, Config& config) {
    const std::string name = section.text("admin_group", "");
    if (name.empty()) return;
    if (const group* entry = getgrnam(name.c_str()))
        config.admin_group = entry->gr_gid;
    else
        section.complain("admin_group", "there is no group " + in_quotes(name) + " on this host");
}

void read_top(ConfigSection& section, Config& config, const fs::path& folder) {
    config.name = read_own_name(section);
    config.identity = folder / section.text("identity", config.identity.native());
    read_runtime(section, config, folder);
    read_admin_group(section, config);
    section.object("journal",
                   [&](ConfigSection& journal) { read_journal(journal, config.journal); });
    config.journal.path = folder / config.journal.path;
    read_listen(section, config);
    config.relay = section.boolean("relay", false);
    config.channels = read_channels(section);
    config.subscriptions = read_subscriptions(section);
    section.each_object("apps", [&](ConfigSection& app) { config.apps.push_back(read_app(app)); });
    const auto bounded = std::ranges::count_if(
        config.apps, [](const AppConfig& app) { return app.limits != core::AppBound{}; });
    if (bounded > static_cast<std::ptrdiff_t>(limits::app_bounds_max))
        section.complain("apps", std::to_string(bounded) + " are too many with \"limits\": " +
                                     std::to_string(limits::app_bounds_max) + " at most");
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

// What may stand once only, and who has it already.
class Unique {
  public:
    Unique(std::string_view what, Complaints& complaints) : what_(what), complaints_(complaints) {}
    void add(const std::string& value, const std::string& where) {
        const auto [first, is_new] = seen_.emplace(value, where);
        if (!is_new && !value.empty())
            complaints_.add(where, 0, "",
                            std::string{what_} + " " + in_quotes(value) + " is already used in " +
                                first->second + "; remove one of them");
    }

  private:
    const std::string_view what_;
    Complaints& complaints_;
    std::map<std::string, std::string> seen_;
};

void refuse_twice(const Config& config, Complaints& complaints) {
    Unique names{"the peer name", complaints}, keys{"the peer key", complaints},
        uids{"a rule for the uid", complaints};
    for (const auto& peer : config.peers) names.add(peer.name, peer.where);
    for (const auto& peer : config.peers)
        for (const auto& key : peer.keys) keys.add(key, peer.where);
    for (const auto& app : config.apps) uids.add(std::to_string(app.uid), app.where);
}

void check_together(const Config& config, Complaints& complaints) {
    refuse_twice(config, complaints);
    if (!config.listen.empty()) return;
    for (const auto& peer : config.peers)
        if (peer.addresses.empty())
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

void refuse_own_keys(const Config& config, std::span<const std::string> own_public_keys) {
    Complaints complaints;
    for (const auto& peer : config.peers)
        for (const auto& key : peer.keys)
            if (std::ranges::find(own_public_keys, key) != own_public_keys.end())
                complaints.add(peer.where, 0, "",
                               "the key of " + in_quotes(peer.name) +
                                   " is this agent's own; put the key there that \"bus keygen\" "
                                   "printed on the other host");
    complaints.throw_if_any();
}

void refuse_to_cut_off(const Config& was, const Config& is) {
    if (was.peers.empty() || !is.peers.empty()) return;
    const auto count = was.peers.size();
    throw Error{"it names no peer any more, which would cut this agent off from " +
                (count == 1 ? "its only one" : "all its " + std::to_string(count)) +
                "; if that is meant, restart the agent with it"};
}

}  // namespace bus
