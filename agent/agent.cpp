#include "agent.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/clock.h"
#include "bus/error.h"
#include "io/accept_guard.h"
#include "limits.h"
#include "observe/status_json.h"

namespace bus {
namespace {

core::Settings settings_of(const Config& config, const Identity& identity) {
    core::Settings settings{.agent = identity.agent,
                            .name = config.name,
                            .relay = config.relay,
                            .peers = {},
                            .rules = {},
                            .own_uid = ::geteuid(),
                            .journal_bytes_max = config.journal.max_bytes};
    for (const PeerConfig& peer : config.peers)
        settings.peers.push_back({.name = peer.name,
                                  .keys = peer.keys,
                                  .may = peer.may,
                                  .relays = peer.relays,
                                  .cost = peer.cost,
                                  .rate_bytes_per_second = peer.rate_bytes_per_second});
    for (const AppConfig& app : config.apps) settings.rules[app.uid] = app.may;
    return settings;
}

io::TcpEndpoint endpoint_of(const std::string& address, const std::string& where) {
    if (auto endpoint = io::parse_tcp(address)) return *endpoint;
    throw Error{where + ": \"" + address + "\" is not of the form tcp://host:port"};
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
    return {io::LinkKeys{identity.public_key, identity.secret_key}};
}

std::vector<io::TcpEndpoint> listen_of(const Config& config) {
    std::vector<io::TcpEndpoint> listen;
    for (const auto& address : config.listen) listen.push_back(endpoint_of(address, "listen"));
    return listen;
}

Identity identity_of(const Config& config) {
    Identity identity = load_or_create_identity(config.identity);
    refuse_own_keys(config, std::array{identity.public_key});
    return identity;
}

std::unique_ptr<journal::Store> open_journal(const Config& config, const Identity& identity) {
    return std::make_unique<journal::Store>(
        journal::StoreOptions{.path = config.journal.path.string(),
                              .agent = identity.agent,
                              .wall_micros = wall_micros(),
                              .max_bytes = config.journal.max_bytes,
                              .min_free = config.journal.min_free});
}

core::Exchange make_exchange(const Config& config, const Identity& identity,
                             journal::Store& store) {
    const auto incarnation = store.recovered().incarnation_now;
    return core::Exchange{settings_of(config, identity), incarnation, std::move(store.recovered()),
                          boot_now(), wall_micros()};
}

// Before the first descriptor that somebody else causes.
Config guarded(Config config) {
    io::guard_accept();
    return config;
}

observe::Extras extras_of(const io::Counters& c) {
    return {{"malformed_local", c.malformed_local},
            {"malformed_admin", c.malformed_admin},
            {"malformed_link", c.malformed_link},
            {"strangers_refused", c.strangers_refused},
            {"handshakes_failed", c.handshakes_failed},
            {"revoked_frames", c.revoked_frames},
            {"unknown_sessions", c.unknown_sessions},
            {"unreachable", c.unreachable},
            {"local_connections", c.local_connections},
            {"link_connections", c.link_connections},
            {"links_accepted", c.links_accepted},
            {"links_handshaken", c.links_handshaken},
            {"connections_refused", io::connections_refused()}};
}

// What a reload cannot change, by its key; empty if nothing of it did.
std::string needs_restart(const Config& was, const Config& is) {
    std::string keys;
    const auto compare = [&](bool same, std::string_view key) {
        if (!same) keys += (keys.empty() ? "" : ", ") + std::string{key};
    };
    compare(was.name == is.name, "name");
    compare(was.identity == is.identity, "identity");
    compare(was.runtime == is.runtime, "runtime");
    compare(was.journal.path == is.journal.path, "journal.path");
    compare(was.listen == is.listen, "listen");
    return keys;
}

}  // namespace

Agent::Agent(Config config, std::filesystem::path file)
    : file_(std::move(file)),
      config_(guarded(std::move(config))),
      identity_(identity_of(config_)),
      log_(stderr, observe::stderr_is_journal()),
      runtime_(config_.runtime),
      store_(open_journal(config_, identity_)),
      exchange_(make_exchange(config_, identity_, *store_)),
      journal_(std::move(store_)),
      local_(context_, runtime_.bus_endpoint(), told_),
      admin_(context_, runtime_.admin_endpoint(), told_),
      links_(context_, own_keys_of(identity_), listen_of(config_), told_) {
    links_.set_peers(link_peers_of(config_), exchange_, boot_now());
}

void Agent::run() {
    tell_ready();
    while (!is_over(boot_now())) turn();
    // What was decided last has been submitted and sent: the journal commits it as it is destroyed,
    // the sockets flush it as they linger.
    const Time now = boot_now();
    log_.tell_suppressed(now);
    log_.say(observe::Severity::info,
             fmt::format("bus-agent {}: {}", config_.name,
                         exchange_.is_quiet() ? "stopped, all that was in flight is safe"
                                              : "stopped, what was in flight stays at its sender"),
             now);
    local_.linger();
    links_.linger();
}

void Agent::tell_ready() {
    const Time now = boot_now();
    std::string line =
        fmt::format("bus-agent {}: ready, runtime {}, {} peer{}, journal {}", config_.name,
                    config_.runtime.string(), config_.peers.size(),
                    config_.peers.size() == 1 ? "" : "s", config_.journal.path.string());
    for (const std::string& endpoint : links_.endpoints()) line += ", listening on " + endpoint;
    log_.say(observe::Severity::info, line, now);
    notify_.say("READY=1\nSTATUS=ready");
    if (notify_.watchdog_interval().count() > 0) watchdog_due_ = now;
}

void Agent::gather() {
    poll_.clear();
    signals_slot_ = poll_.add(signals_.fd());
    journal_slot_ = poll_.add(journal_.fd());
    local_.add_to(poll_);
    admin_.add_to(poll_);
    links_.add_to(poll_);
}

Time Agent::next_deadline() const {
    if (local_.has_news() || links_.has_news()) return Time{};
    return std::min({exchange_.next_deadline(), links_.next_deadline(), watchdog_due_,
                     stop_by_.value_or(never)});
}

// Bounded reads, decisions, one journal submission, sends.
void Agent::turn() {
    gather();
    poll_.wait(boot_now(), next_deadline());
    const Time now = boot_now();
    if (poll_.ready(signals_slot_)) on_signals(now);
    local_.receive_into(exchange_, poll_, now);
    links_.receive_into(exchange_, poll_, now);
    if (poll_.ready(journal_slot_)) take_journal_answers(now);
    admin_.serve(poll_, [&](const wire::AdminRequest& request) { return answer(request, now); });
    links_.advance(now);
    exchange_.advance(now);
    exchange_.finish_turn(now);
    carry_out(now);
    keep_watchdog(now);
}

void Agent::on_signals(Time now) {
    const io::Signals::Seen seen = signals_.take();
    if (seen.reload) reload(now);
    if (seen.stop && !stop_by_) begin_stop(now);
}

void Agent::begin_stop(Time now) {
    notify_.say("STOPPING=1");
    log_.say(observe::Severity::info,
             fmt::format("bus-agent {}: stopping, finishing what is in flight", config_.name), now);
    stop_by_ = now + limits::stop_patience;
    exchange_.stop_accepting(now);
}

bool Agent::is_over(Time now) const {
    return stop_by_ && (now >= *stop_by_ || (exchange_.is_quiet() && !local_.has_news()));
}

// A bad file changes nothing.
void Agent::reload(Time now) try {
    Config fresh = load_config(file_);
    refuse_own_keys(fresh, std::array{identity_.public_key});
    refuse_to_cut_off(config_, fresh);
    const auto peers = link_peers_of(fresh);
    if (const std::string keys = needs_restart(config_, fresh); !keys.empty())
        log_.say(observe::Severity::warning, "reload: takes effect at the next start: " + keys,
                 now);
    links_.set_peers(peers, exchange_, now);  // removed peers' links end while they are known
    exchange_.reload(settings_of(fresh, identity_), now);
    config_.apps = std::move(fresh.apps);
    config_.peers = std::move(fresh.peers);
    log_.say(observe::Severity::info, fmt::format("reload: done, {} peers", peers.size()), now);
} catch (const Error& error) {
    log_.say(observe::Severity::error,
             std::string{"reload: the old configuration stays: "} + error.what(), now);
}

void Agent::take_journal_answers(Time now) {
    answers_.clear();
    journal_.take_answers(answers_);
    for (const core::JournalAnswer& answer : answers_) exchange_.on_journal(answer, now);
}

void Agent::keep_watchdog(Time now) {
    if (now < watchdog_due_) return;
    notify_.say("WATCHDOG=1");
    watchdog_due_ = now + notify_.watchdog_interval();
}

void Agent::carry_out(Time now) {
    core::Effects& effects = exchange_.effects();
    for (auto& transaction : effects.transactions) journal_.submit(std::move(transaction));
    for (const auto& request : effects.reads) journal_.read(request);
    for (const auto& out : effects.to_links) links_.send(out);
    for (const auto& out : effects.to_apps) local_.send(out);
    for (const auto session : effects.close_sessions) local_.close(session);
    for (const auto& link : effects.close_links) links_.close(link, now);
    for (const auto& event : effects.events) log_.event(event, now);
    effects.clear();

    for (const auto& event : told_.events) log_.event(event, now);
    told_.events.clear();
    if (const auto refused = io::connections_refused(); refused != refused_connections_) {
        refused_connections_ = refused;
        log_.say(observe::Severity::error,
                 fmt::format("out of file descriptors ({}): new connections are turned away; "
                             "LimitNOFILE= raises the limit",
                             io::descriptors_max()),
                 now);
    }
}

std::string Agent::answer(const wire::AdminRequest& request, Time now) const {
    const observe::AdminAnswer to{.id = request.id, .request = request.request};
    if (request.request == "status")
        return observe::status_reply(to, exchange_.status(now), extras_of(told_.counters));
    return observe::failure_reply(to, std::string{wire::to_text(wire::Reject::unknown_command)},
                                  "this agent knows the request \"status\"");
}

}  // namespace bus
