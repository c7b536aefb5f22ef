#include "agent.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent_parts.h"
#include "base/assert.h"
#include "base/clock.h"
#include "bus/error.h"
#include "io/accept_guard.h"
#include "limits.h"

namespace bus {
namespace {

// An old key whose time ended while the agent was stopped is dropped by the first turn.
Identity identity_of(const Config& config) {
    const Identity identity = load_or_create_identity(config.identity);
    refuse_own_keys(config, identity.public_keys());
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
      admin_(context_, runtime_.admin_endpoint(), config_.admin_group, told_),
      links_(context_, own_keys_of(identity_), listen_of(config_), told_) {
    links_.set_peers(link_peers_of(config_), exchange_, boot_now());
    plan_key_change(boot_now());
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
                     key_change_due_, stop_by_.value_or(never)});
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
    admin_.serve(
        poll_, [&](const wire::AdminRequest& request, std::uint64_t number,
                   std::optional<std::uint32_t> uid) { return answer(request, number, uid, now); });
    change_key_when_due(now);
    links_.advance(now);
    for (const auto& dial : std::exchange(told_.failed_dials, {}))
        exchange_.on_dial_failed(dial.peer, dial.words, now);
    exchange_.advance(now);
    exchange_.finish_turn(now);
    carry_out(now);
    keep_watchdog(now);
}

void Agent::on_signals(Time now) {
    const io::Signals::Seen seen = signals_.take();
    if (seen.reload) reload_as_told(now);
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

void Agent::take_journal_answers(Time now) {
    answers_.clear();
    journal_.take_answers(answers_);
    for (const core::JournalAnswer& answer : answers_) exchange_.on_journal(answer, now);
    if (!answers_.empty()) progress_.answered();
}

void Agent::keep_watchdog(Time now) {
    if (now < watchdog_due_) return;
    if (const bool stuck = progress_.is_stuck(now); std::exchange(is_stuck_, stuck) != stuck)
        log_.say(stuck ? observe::Severity::error : observe::Severity::notice,
                 stuck
                     ? fmt::format("journal: a commit has taken longer than {} s; the watchdog is "
                                   "not fed until it ends",
                                   Progress::patience.count())
                     : std::string{"journal: the commit has ended"},
                 now);
    if (!is_stuck_) notify_.say("WATCHDOG=1");
    watchdog_due_ = now + notify_.watchdog_interval();
}

void Agent::send_to_links() {
    for (const auto& out : exchange_.effects().to_links) links_.send(out);
    exchange_.effects().to_links.clear();
}

void Agent::carry_out(Time now) {
    core::Effects& effects = exchange_.effects();
    if (!effects.transactions.empty()) progress_.submitted(now);
    for (auto& transaction : effects.transactions) journal_.submit(std::move(transaction));
    for (const auto& request : effects.reads) journal_.read(request);
    for (auto& request : effects.finds) journal_.find(std::move(request));
    for (const auto& answer : effects.dead_letters) tell_dead_letters(answer);
    send_to_links();
    for (const auto& out : effects.to_apps) local_.send(out);
    for (const auto session : effects.close_sessions) local_.close(session);
    for (const auto& link : effects.close_links) links_.close(link, now);
    for (const auto& event : effects.events) log_.event(event, now);
    show_taps(effects, now);
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

}  // namespace bus
