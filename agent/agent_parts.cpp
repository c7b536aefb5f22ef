#include "agent_parts.h"

#include <unistd.h>

#include "bus/error.h"

namespace bus {
namespace {

io::TcpEndpoint endpoint_of(const std::string& address, const std::string& where) {
    if (auto endpoint = io::parse_tcp(address)) return *endpoint;
    throw Error{where + ": \"" + address + "\" is not of the form tcp://host:port"};
}

}  // namespace

core::Settings settings_of(const Config& config, const Identity& identity) {
    core::Settings settings{.agent = identity.agent,
                            .name = config.name,
                            .version = BUS_VERSION,
                            .relay = config.relay,
                            .peers = {},
                            .channels = config.channels,
                            .subscriptions = config.subscriptions,
                            .rules = {},
                            .own_uid = ::geteuid(),
                            .journal_bytes_max = config.journal.max_bytes};
    for (const PeerConfig& peer : config.peers)
        settings.peers.push_back({.name = peer.name,
                                  .keys = peer.keys,
                                  .may = peer.may,
                                  .relays = peer.relays,
                                  .cost = peer.cost,
                                  .rate_bytes_per_second = peer.rate_bytes_per_second,
                                  .has_address = !peer.addresses.empty(),
                                  .status = peer.status,
                                  .waiting = peer.waiting});
    for (const AppConfig& app : config.apps) {
        settings.rules[app.uid] = app.may;
        if (app.limits != core::AppBound{}) settings.app_bounds[app.uid] = app.limits;
    }
    return settings;
}

std::vector<io::LinkPeer> link_peers_of(const Config& config) {
    std::vector<io::LinkPeer> peers;
    for (const PeerConfig& peer : config.peers) {
        auto& made =
            peers.emplace_back(io::LinkPeer{.name = peer.name, .keys = peer.keys, .addresses = {}});
        for (const auto& address : peer.addresses)
            made.addresses.push_back(endpoint_of(address, peer.where));
    }
    return peers;
}

std::vector<io::LinkKeys> own_keys_of(const Identity& identity) {
    std::vector<io::LinkKeys> keys{{identity.public_key, identity.secret_key}};
    if (identity.next) keys.push_back({identity.next->public_key, identity.next->secret_key});
    return keys;
}

std::vector<io::TcpEndpoint> listen_of(const Config& config) {
    std::vector<io::TcpEndpoint> listen;
    for (const auto& address : config.listen) listen.push_back(endpoint_of(address, "listen"));
    return listen;
}

}  // namespace bus
