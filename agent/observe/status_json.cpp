#include "observe/status_json.h"

#include "observe/account_json.h"
#include "observe/gaps_json.h"
#include "observe/reply_json.h"

namespace bus::observe {
namespace {

Json agent_json(const AgentId& agent) {
    Json none;  // null: not heard of yet
    return agent.is_zero() ? none : Json(to_text(agent));
}

Json optional_json(const std::optional<std::uint64_t>& figure) {
    Json none;  // null
    return figure ? Json(*figure) : none;
}

Json speed_json(const core::Traffic::Speed& speed) {
    return {{"messages_per_second", speed.messages}, {"bytes_per_second", speed.bytes}};
}

Json link_json(const core::LinkStatus& l) {
    return {{"peer", l.peer},
            {"state", l.state},
            {"for_millis", optional_json(l.for_millis)},
            {"dialled", l.dialled},
            {"relays", l.relays},
            {"cost", l.cost},
            {"agent", agent_json(l.agent)},
            {"backlog_entries", l.backlog_entries},
            {"backlog_messages", l.backlog_messages},
            {"backlog_bytes", l.backlog_bytes},
            {"backlog_age_millis", l.backlog_age_millis},
            {"drained_in_millis", optional_json(l.drained_in_millis)},
            {"limit_bytes", l.limit_bytes},
            {"limit_age_millis", l.limit_age_millis},
            {"in_flight_bytes", l.in_flight_bytes},
            {"window_bytes", l.window_bytes},
            {"rtt_micros", l.rtt_micros},
            {"sent_messages", l.sent_messages},
            {"received_messages", l.received_messages},
            {"sent_bytes", l.sent_bytes},
            {"received_bytes", l.received_bytes},
            {"sending", speed_json(l.sending)},
            {"receiving", speed_json(l.receiving)},
            {"held", l.held},
            {"has_address", l.has_address},
            {"last_error", l.last_error},
            {"last_error_millis", optional_json(l.last_error_millis)},
            {"interest", l.interest},
            {"account", account_json(l.account)}};
}

Json agent_status_json(const core::AgentStatus& a) {
    return {{"agent", to_text(a.agent)},
            {"name", a.name},
            {"path", a.path},
            {"cost", a.cost},
            {"up", a.up},
            {"down_millis", optional_json(a.down_millis)},
            {"waits_at", a.waits_at},
            {"interest", a.interest},
            {"waiting_messages", a.waiting_messages},
            {"waiting_bytes", a.waiting_bytes},
            {"oldest_millis", a.oldest_millis},
            {"account", account_json(a.account)}};
}

Json denial_json(const core::DenialStatus& d) {
    return {{"who", d.who},   {"verb", d.verb},   {"channel", d.channel},
            {"rule", d.rule}, {"times", d.times}, {"last_millis", d.last_millis}};
}

Json group_json(const core::GroupStatus& g) {
    return {{"type", g.type},
            {"name", g.name},
            {"filter", g.filter},
            {"paused", g.paused},
            {"unattended_millis", optional_json(g.unattended_millis)},
            {"waiting_messages", g.waiting_messages},
            {"waiting_bytes", g.waiting_bytes},
            {"oldest_millis", g.oldest_millis},
            {"consumers", g.consumers},
            {"unacknowledged", g.unacknowledged},
            {"home", g.home},
            {"exclusive", g.exclusive},
            {"consumers_elsewhere", g.consumers_elsewhere},
            {"unattached", g.unattached},
            {"share_bytes", g.share_bytes},
            {"share_age_millis", g.share_age_millis},
            {"gaps", gaps_json(g.gaps)},
            {"account", account_json(g.account)}};
}

Json publisher_json(const core::PublisherStatus& p, const char* what) {
    return {{what, p.of},
            {"waiting_bytes", p.waiting_bytes},
            {"waiting_messages", p.waiting_messages},
            {"limit_bytes", p.limit_bytes},
            {"limit_messages", p.limit_messages},
            {"limit_age_millis", p.limit_age_millis},
            {"limit_rate", p.limit_rate},
            {"holding", p.holding},
            {"refuses", p.refuses},
            {"refused", p.refused}};
}

template <class T, class ToJson>
Json list_json(const std::vector<T>& items, ToJson to_json) {
    Json list = Json::array();
    for (const T& item : items) list.push_back(to_json(item));
    return list;
}

Json journal_json(const core::Status& s) {
    return {{"live_bytes", s.journal.live_bytes},
            {"file_bytes", s.journal.file_bytes},
            {"full", s.journal_full},
            {"dead_letters", s.dead_letters},
            {"last_values", s.last_values},
            {"last_value_bytes", s.last_value_bytes}};
}

Json delayed_json(const core::Status& s) {
    Json next = nullptr;
    if (s.next_due_millis) next = *s.next_due_millis;
    return {{"messages", s.delayed_messages},
            {"bytes", s.delayed_bytes},
            {"next_due_millis", std::move(next)},
            {"account", account_json(s.delayed)}};
}

Json status_json(const core::Status& s, const Extras& io) {
    Json edges = Json::object();
    for (const auto& [key, value] : io) edges[key] = value;
    return {
        {"name", s.name},
        {"agent", to_text(s.agent)},
        {"version", s.version},
        {"incarnation", s.incarnation},
        {"uptime_millis", s.uptime_millis},
        {"sessions", s.sessions},
        {"relay", s.relay},
        {"draining", s.draining},
        {"links", list_json(s.links, link_json)},
        {"agents", list_json(s.agents, agent_status_json)},
        {"groups", list_json(s.groups, group_json)},
        {"channels",
         list_json(s.channels, [](const auto& one) { return publisher_json(one, "channels"); })},
        {"apps", list_json(s.apps, [](const auto& one) { return publisher_json(one, "apps"); })},
        {"accounts", list_json(s.accounts, account_json)},
        {"unrouted", s.unrouted},
        {"memory_bytes", s.memory_bytes},
        {"unsafe_batches", s.unsafe_batches},
        {"journal", journal_json(s)},
        {"delayed", delayed_json(s)},
        {"denied", s.denied},
        {"denials", list_json(s.denials, denial_json)},
        {"malformed", s.malformed},
        {"late_acks", s.late_acks},
        {"duplicates_dropped", s.duplicates_dropped},
        {"best_effort_dropped", s.best_effort_dropped},
        {"replies_dropped", s.replies_dropped},
        {"questions_dropped", s.questions_dropped},
        {"held_producers", s.held_producers},
        {"io", std::move(edges)}};
}

}  // namespace

std::string status_reply(const AdminAnswer& to, const core::Status& status, const Extras& io) {
    Json reply = reply_head(to, true);
    reply["status"] = status_json(status, io);
    return reply_text(reply);
}

std::string reload_reply(const AdminAnswer& to, const Reload& reload) {
    Json reply = reply_head(to, true);
    reply["reload"] = {
        {"applied", reload.applied}, {"changes", reload.changes}, {"restart", reload.restart}};
    return reply_text(reply);
}

std::string identity_reply(const AdminAnswer& to, const ShownIdentity& identity) {
    Json reply = reply_head(to, true);
    Json& told = reply[to.request];
    told = {{"agent", to_text(identity.agent)},
            {"public_key", identity.public_key},
            {"next_public_key", nullptr},
            {"next_from_unix_seconds", nullptr},
            {"name", identity.name},
            {"config", identity.config},
            {"listening", identity.listening}};
    if (!identity.next_public_key.empty()) {
        told["next_public_key"] = identity.next_public_key;
        told["next_from_unix_seconds"] = identity.next_from_unix_seconds;
    }
    return reply_text(reply);
}

std::string failure_reply(const AdminAnswer& to, const std::string& code,
                          const std::string& reason) {
    Json reply = reply_head(to, false);
    reply["code"] = code;
    reply["reason"] = reason;
    return reply_text(reply);
}

}  // namespace bus::observe
