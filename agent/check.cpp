#include "check.h"

#include <algorithm>
#include <optional>

#include "bus/error.h"
#include "byte_size.h"
#include "config.h"
#include "identity.h"

namespace bus {
namespace {

// Its text may be of several lines; each is a mistake of its own.
void note(Checked& checked, const Error& error) {
    std::string_view text = error.what();
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        checked.mistakes.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// Runs a step of the start that may find a mistake.
template <class Step>
void attempt(Checked& checked, Step step) try {
    step();
} catch (const Error& error) {
    note(checked, error);
}

std::string counted(std::size_t count, const std::string& noun) {
    return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

std::string listening(const Config& config) {
    if (config.listen.empty()) return "listens nowhere";
    std::string all;
    for (const auto& address : config.listen) all += (all.empty() ? "listens on " : ", ") + address;
    return all;
}

void sum_up(Checked& checked, const Config& config, const std::optional<Identity>& identity) {
    const auto dialled = std::ranges::count_if(
        config.peers, [](const PeerConfig& peer) { return !peer.addresses.empty(); });
    checked.summary = {
        "ok: agent " + config.name + (config.relay ? ", relays" : "") + ", " + listening(config),
        "peers: " + std::to_string(config.peers.size()) + ", of which " + std::to_string(dialled) +
            " are dialled; " + counted(config.apps.size(), "rule") + " for apps",
        "journal: " + config.journal.path.string() + ", at most " +
            byte_size_text(config.journal.max_bytes),
        "identity: " + config.identity.string() +
            (identity ? ", public key " + identity->public_key
                      : ", not there yet; the first start makes it")};
    if (identity && identity->next)
        checked.summary.back() += ", rolling over to " + identity->next->public_key;
}

}  // namespace

Checked check(const std::filesystem::path& config_file) {
    Checked checked;
    std::optional<Config> config;
    std::optional<Identity> identity;
    attempt(checked, [&] { config = load_config(config_file); });
    if (!config) return checked;
    attempt(checked, [&] { identity = read_identity(config->identity); });
    if (identity) attempt(checked, [&] { refuse_own_keys(*config, identity->public_keys()); });
    if (checked.mistakes.empty()) sum_up(checked, *config, identity);
    return checked;
}

}  // namespace bus
