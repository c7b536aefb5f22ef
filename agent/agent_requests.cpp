// What operators ask the agent for, on admin.sock and by signal: its status,
// and to read its configuration again.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent.h"
#include "agent_arguments.h"
#include "agent_parts.h"
#include "bus/error.h"
#include "io/accept_guard.h"
#include "observe/answer_json.h"
#include "observe/diagnosis_json.h"
#include "observe/status_json.h"

namespace bus {
namespace {

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

std::optional<wire::Asked> asked_of(std::string_view word) {
    if (word == "presence") return wire::Asked::presence;
    if (word == "status") return wire::Asked::status;
    return std::nullopt;
}

observe::ShownIdentity shown(const Identity& identity) {
    observe::ShownIdentity shown{.agent = identity.agent, .public_key = identity.public_key};
    if (identity.next) {
        shown.next_public_key = identity.next->public_key;
        shown.next_from_unix_seconds = identity.next->from_unix_seconds;
    }
    return shown;
}

}  // namespace

const std::array<Agent::Request, 18> Agent::requests{{
    {"status", &Agent::tell_status},
    {"route", &Agent::tell_route},
    {"why", &Agent::tell_why},
    {"rejoin", &Agent::rejoin},
    {"ask", &Agent::ask_another},
    {"answer", &Agent::tell_answer},
    {"reload", &Agent::reload_as_asked},
    {"identity", &Agent::tell_identity},
    {"rotate_key", &Agent::rotate_key_as_asked},
    {"drop_old_key", &Agent::drop_old_key_as_asked},
    {"remove_peer", &Agent::remove_peer_as_asked},
    {"drain", &Agent::drain_as_asked},
    {"subscriptions", &Agent::tell_subscriptions},
    {"subscription", &Agent::change_subscription_as_asked},
    {"stored", &Agent::tell_stored},
    {"tap_open", &Agent::open_tap},
    {"tap_read", &Agent::read_tap},
    {"tap_close", &Agent::close_tap},
}};

std::optional<std::string> Agent::answer(const wire::AdminRequest& request, std::uint64_t number,
                                         std::optional<std::uint32_t> uid, Time now) try {
    asked_by_ = uid;
    if (!is_about_dead_letters(request)) return answer_now(request, now);
    ask_dead_letters(request, number, now);
    return std::nullopt;
} catch (const Error& error) {
    return observe::failure_reply(
        answer_to(request), std::string{wire::to_text(wire::Reject::malformed)}, error.what());
}

std::string Agent::answer_now(const wire::AdminRequest& request, Time now) {
    const auto found = std::ranges::find(requests, request.request, &Request::name);
    if (found != requests.end()) return (this->*found->answer)(request, now);
    std::string known;
    for (const Request& each : requests) known += std::string{each.name} + ", ";
    return observe::failure_reply(
        answer_to(request), std::string{wire::to_text(wire::Reject::unknown_command)},
        "this agent knows the requests " + known + "dead_list, dead_show, dead_retry, dead_purge");
}

std::string Agent::tell_status(const wire::AdminRequest& request, Time now) {
    return observe::status_reply(answer_to(request), exchange_.status(now),
                                 extras_of(told_.counters));
}

std::string Agent::tell_route(const wire::AdminRequest& request, Time now) {
    const auto arguments = arguments_of(request, {"channel", "queue", "service"});
    const auto channel = arguments.texts.find("channel");
    if (channel == arguments.texts.end()) throw Error{"\"channel\" is missing"};
    if (!wire::is_channel(channel->second))
        throw Error{"\"" + channel->second +
                    "\" is no channel: tokens of A-Z a-z 0-9 _ - joined by dots"};
    const auto kind = arguments.flag("queue")     ? wire::Kind::queue
                      : arguments.flag("service") ? wire::Kind::service
                                                  : wire::Kind::topic;
    return observe::route_reply(answer_to(request),
                                exchange_.diagnose_route(kind, channel->second, now));
}

std::string Agent::tell_why(const wire::AdminRequest& request, Time now) {
    const std::string what = text_argument(request, "what");
    return observe::why_reply(answer_to(request), exchange_.diagnose_why(what, now));
}

std::string Agent::rejoin(const wire::AdminRequest& request, Time now) {
    const std::string peer = text_argument(request, "peer");
    switch (exchange_.rejoin(peer, now)) {
        case core::Rejoin::unknown_peer:
            throw Error{"there is no peer \"" + peer + "\""};
        case core::Rejoin::never_met:
            throw Error{"this agent has never been linked to \"" + peer +
                        "\": there is nothing to rejoin"};
        case core::Rejoin::linked:
            throw Error{"the link to \"" + peer + "\" is up: there is nothing to rejoin"};
        case core::Rejoin::done:
            break;
    }
    links_.set_peers(link_peers_of(config_), exchange_, now);  // dialled now, if not before
    return observe::rejoin_reply(answer_to(request), peer);
}

std::string Agent::ask_another(const wire::AdminRequest& request, Time now) {
    const auto arguments = arguments_of(request, {"agent", "what", "hops"});
    const auto agent = arguments.texts.find("agent");
    if (agent == arguments.texts.end()) throw Error{"\"agent\" is missing"};
    const auto what = arguments.texts.find("what");
    const auto asked = what == arguments.texts.end() ? std::nullopt : asked_of(what->second);
    if (!asked) throw Error{"\"what\" is \"presence\" or \"status\""};
    const auto hops = arguments.numbers.find("hops");
    const auto hops_max = hops == arguments.numbers.end() ? wire::path_agents_max : hops->second;
    const auto question = exchange_.ask(
        agent->second, *asked,
        static_cast<std::uint8_t>(std::min<std::uint64_t>(hops_max, wire::path_agents_max)), now);
    if (question) return observe::ask_reply(answer_to(request), question->value);
    const bool later = question.error() == core::Exchange::too_many_questions;
    return observe::failure_reply(
        answer_to(request),
        std::string{wire::to_text(later ? wire::Reject::limit : wire::Reject::unavailable)},
        question.error());
}

std::string Agent::tell_answer(const wire::AdminRequest& request, Time) {
    const auto id = required_number(arguments_of(request, {"question"}), "question");
    const core::Question* const question = exchange_.question(core::QuestionId{id});
    if (question == nullptr) throw Error{"that was not asked, or so long ago that it is forgotten"};
    return observe::answer_reply(answer_to(request), *question);
}

std::string Agent::reload_as_asked(const wire::AdminRequest& request, Time now) {
    const bool dry_run = arguments_of(request, {"dry_run"}).flag("dry_run");
    const ConfigChanges changes = reload(dry_run, now);
    return observe::reload_reply(
        answer_to(request),
        {.applied = !dry_run, .changes = changes.lines, .restart = changes.restart});
}

std::string Agent::tell_identity(const wire::AdminRequest& request, Time) {
    (void)arguments_of(request, {});
    auto told = shown(identity_);
    told.name = config_.name;
    told.config = std::filesystem::absolute(file_).string();
    told.listening = links_.endpoints();
    return observe::identity_reply(answer_to(request), told);
}

std::string Agent::rotate_key_as_asked(const wire::AdminRequest& request, Time now) {
    rotate_key(required_number(arguments_of(request, {"overlap_seconds"}), "overlap_seconds"), now);
    return observe::identity_reply(answer_to(request), shown(identity_));
}

std::string Agent::drop_old_key_as_asked(const wire::AdminRequest& request, Time now) {
    (void)arguments_of(request, {});
    drop_old_key(now);
    return observe::identity_reply(answer_to(request), shown(identity_));
}

// A bad file changes nothing.
ConfigChanges Agent::reload(bool dry_run, Time now) {
    Config fresh = load_config(file_);
    refuse_own_keys(fresh, identity_.public_keys());
    refuse_to_cut_off(config_, fresh);
    ConfigChanges changes = changes_between(config_, fresh);
    if (!dry_run) apply(std::move(fresh), changes, now);
    return changes;
}

void Agent::apply(Config fresh, const ConfigChanges& changes, Time now) {
    const auto peers = link_peers_of(fresh);
    if (config_.listen.empty() && !fresh.listen.empty()) {
        links_.listen(listen_of(fresh));  // first: it may throw
        config_.listen = fresh.listen;
    }
    config_.relay = fresh.relay;
    config_.apps = std::move(fresh.apps);
    config_.channels = std::move(fresh.channels);
    config_.subscriptions = std::move(fresh.subscriptions);
    config_.peers = std::move(fresh.peers);
    exchange_.reload(settings_of(config_, identity_), now);
    send_to_links();  // those whose link ends hear why, while they can
    links_.set_peers(peers, exchange_, now);
    log_changes(changes, now);
}

void Agent::log_changes(const ConfigChanges& changes, Time now) {
    for (const auto& line : changes.lines)
        log_.say(observe::Severity::info, "reload: " + line, now);
    for (const auto& key : changes.restart)
        log_.say(observe::Severity::warning, "reload: takes effect at the next start: " + key, now);
    log_.say(observe::Severity::info, fmt::format("reload: done, {} peers", config_.peers.size()),
             now);
}

void Agent::reload_as_told(Time now) try { (void)reload(false, now); } catch (const Error& error) {
    log_.say(observe::Severity::error,
             std::string{"reload: the old configuration stays: "} + error.what(), now);
}

}  // namespace bus
